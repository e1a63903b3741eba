import { must } from '@parley/bus'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, expireThrough } from './expire.ts'
import { backdate, movingClock, shifted } from './past.ts'
import { actorOf, newUser, openWorld, type World } from './world.ts'
import { begin, join, markRead, say } from './written.ts'

const LONG = 240_000
const clock = movingClock()
let world: World
beforeAll(async () => void (world = await openWorld({ clock })))
afterAll(() => world[Symbol.asyncDispose]())

const days = fc.integer({ min: 2, max: 900 })
const periods = fc.record({ messageDays: fc.option(days, { nil: null }), fileDays: fc.option(days, { nil: null }) })
const rules = fc.record({
  default: fc.record({ messageDays: days, fileDays: fc.option(days, { nil: null }) }),
  direct: periods,
  group: periods,
  channel: periods,
})
const message = fc.record({
  /** After the one before: at the same millisecond, or up to so much later. */
  afterMs: fc.oneof(fc.constantFrom(0, 1), fc.nat(3 * DAY_MS)),
  mentions: fc.boolean(),
})
/** To the millisecond at which a message or its files expire, and some before or after it. */
const move = fc.record({
  do: fc.constant('move' as const),
  message: fc.nat(),
  of: fc.constantFrom('message' as const, 'files' as const),
  byMs: fc.oneof(fc.constantFrom(-1, 0, 1), fc.integer({ min: -DAY_MS, max: DAY_MS })),
})
const step = fc.oneof(
  { weight: 6, arbitrary: move },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rules' as const), rules }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('own' as const), periods }) },
)
const history = fc.record({
  kind: fc.constantFrom('direct' as const, 'group' as const, 'channel' as const),
  rules,
  own: periods,
  messages: fc.array(message, { minLength: 1, maxLength: 14 }),
  joinsAfter: fc.nat(14),
  historyVisibility: fc.constantFrom('all' as const, 'joined' as const),
  readTo: fc.nat(14),
  steps: fc.array(step, { minLength: 1, maxLength: 10 }),
})
type History = typeof history extends fc.Arbitrary<infer Of> ? Of : never

test(
  'whatever the rules and the time are, and whatever is swept, each read shows exactly what is kept',
  {
    timeout: LONG,
  },
  () => fc.assert(fc.asyncProperty(history, check), { numRuns: 25 }),
)

interface Said {
  readonly id: string
  readonly sequence: number
  readonly at: Date
  readonly mentions: boolean
}

let revision = 0

async function check(asked: History): Promise<void> {
  const { kind, historyVisibility } = asked
  await sql`truncate conversations, members, membership_changes, users, messages, unread_mentions, outbox`.execute(
    world.db,
  )
  const [founder, reader] = [newUser(), newUser()]
  const conversationId = await begin(world.db, [founder], { kind, historyVisibility })
  const joinedSequence = Math.min(asked.joinsAfter, asked.messages.length)
  const readSequence = Math.min(asked.readTo, asked.messages.length)
  const said = await tell()

  let { rules, own } = asked
  /** What is gone before these is gone for good. */
  let told = 1
  let filesTold = 1
  const kept = () => {
    const files = own.fileDays ?? rules[kind].fileDays ?? rules.default.fileDays
    const messages = own.messageDays ?? rules[kind].messageDays ?? rules.default.messageDays
    return { message: messages, files: files === null ? messages : Math.min(files, messages) }
  }
  await setRules()
  await setOwn()
  for (const step of asked.steps) {
    if (step.do === 'move') {
      const { at } = said[step.message % said.length]!
      clock.moveTo(shifted(at, kept()[step.of] * DAY_MS + step.byMs))
    } else if (step.do === 'rules') {
      ;({ rules } = step)
      await setRules()
    } else if (step.do === 'own') {
      own = step.periods
      await setOwn()
    } else {
      told = Math.max(told, firstKept())
      filesTold = Math.max(filesTold, firstKept('files'))
      await expireThrough(world.calls)
    }
    await expectReads()
  }

  async function tell(): Promise<Said[]> {
    const ids: string[] = []
    for (const [index, { mentions }] of asked.messages.entries()) {
      if (index === joinedSequence) await join(world.db, conversationId, reader)
      const mentioned = mentions && index >= joinedSequence ? [reader] : []
      ids.push(...(await say(world.db, conversationId, founder, [{ mentions: mentioned }])))
    }
    if (joinedSequence === asked.messages.length) await join(world.db, conversationId, reader)
    if (readSequence > 0) await markRead(world.db, conversationId, reader, readSequence)
    let at = new Date('2023-12-20T10:00:00.000Z')
    const all = asked.messages.map(({ afterMs, mentions }, index) => {
      at = shifted(at, afterMs)
      return { id: ids[index]!, sequence: index + 1, at, mentions: mentions && index >= joinedSequence }
    })
    clock.moveTo(at)
    await backdate(
      world.db,
      conversationId,
      all.map((one) => one.at),
    )
    return all
  }

  async function setRules(): Promise<void> {
    must(await world.calls.setRetentionRules({ rules: { ...rules, revision: ++revision } }))
  }

  async function setOwn(): Promise<void> {
    must(await world.calls.setConversationRetention({ conversationId, ...own }))
  }

  function isKept({ at, sequence }: Said, of: 'message' | 'files' = 'message'): boolean {
    return (
      sequence >= (of === 'files' ? Math.max(told, filesTold) : told) &&
      clock.now().getTime() - at.getTime() < kept()[of] * DAY_MS
    )
  }

  function firstKept(of: 'message' | 'files' = 'message'): number {
    return said.find((one) => isKept(one, of))?.sequence ?? said.length + 1
  }

  async function expectReads(): Promise<void> {
    const actor = actorOf(reader)
    const visibleFrom = historyVisibility === 'all' ? 1 : joinedSequence + 1
    const visible = said.filter((one) => isKept(one) && one.sequence >= visibleFrom)
    const idsOf = (messages: readonly { readonly id: string }[]) => messages.map(({ id }) => id)
    const read = async (place: { before?: number; after?: number }) => {
      const answer = await world.calls.getMessages({ actor, conversationId, ...place })
      return answer.ok ? idsOf(answer.value.messages) : answer.refusal.data
    }
    expect(await read({})).toEqual(idsOf(visible))
    const gone = { firstKeptSequence: firstKept() }
    for (const place of new Set([0, 1, firstKept() - 2, firstKept() - 1, firstKept(), said.length + 1])) {
      if (place < 0) continue
      const isGone = (from: number) => Math.max(from, visibleFrom) < firstKept()
      const before = visible.filter(({ sequence }) => sequence < place)
      expect(await read({ before: place })).toEqual(isGone(place) ? gone : idsOf(before))
      const after = visible.filter(({ sequence }) => sequence > place)
      expect(await read({ after: place })).toEqual(isGone(place + 1) ? gone : idsOf(after))
    }

    const unread = said.filter((one) => isKept(one) && one.sequence > Math.max(readSequence, joinedSequence))
    const conversation = must(await world.calls.getConversation({ actor, conversationId }))
    expect(conversation).toMatchObject({
      firstKeptSequence: told,
      retentionDays: kept().message,
      lastSequence: said.length,
      me: { unreadCount: unread.length, mentionCount: unread.filter(({ mentions }) => mentions).length },
    })
    expect(conversation.lastMessage?.id).toBe(visible.findLast(({ sequence }) => sequence === said.length)?.id)
    const synced = must(await world.calls.sync({ actor, conversations: [], since: null })).conversations
    expect(synced.flatMap(({ messages }) => idsOf(messages))).toEqual(idsOf(visible))
    expect(synced[0]?.conversation).toEqual(conversation)

    const repaired = must(await world.calls.listChanges({ topic: `c:${conversationId}`, afterVersion: 0 }))
    const created = repaired.changes.filter(({ event }) => event === 'MessageCreated')
    expect(idsOf(created.map(({ argument }) => argument as { id: string }))).toEqual(
      idsOf(said.filter((one) => isKept(one))),
    )
    const seen: string[] = []
    for (const { id: messageId } of said) {
      const { sees } = must(await world.calls.seesMessage({ userId: reader, conversationId, messageId }))
      if (sees) seen.push(messageId)
    }
    expect(seen).toEqual(idsOf(visible.filter((one) => isKept(one, 'files'))))
  }
}
