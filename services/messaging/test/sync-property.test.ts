import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listMembers, memberOf } from '../src/store/members.ts'
import { readMessages } from '../src/store/messages.ts'
import { findOwnConversations } from '../src/store/own-conversations.ts'
import { SyncClient } from './sync-client.ts'
import { newUser } from './world.ts'
import {
  age,
  begin,
  edit,
  join,
  leave,
  markRead,
  mute,
  openDatabase,
  promote,
  rename,
  retention,
  say,
} from './written.ts'

let database: Awaited<ReturnType<typeof openDatabase>>
beforeAll(async () => void (database = await openDatabase()))
afterAll(() => database[Symbol.asyncDispose]())

const CONVERSATIONS = 3
const USERS = 2

const place = { conversation: fc.nat(CONVERSATIONS - 1), user: fc.nat(USERS - 1) }
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      ...place,
      do: fc.constant('say' as const),
      count: fc.integer({ min: 1, max: 8 }),
      long: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ ...place, do: fc.constant('edit' as const), message: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ ...place, do: fc.constant('read' as const), upTo: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ ...place, do: fc.constantFrom('come or go', 'promote', 'rename', 'mute') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('sync', 'let time pass') }) },
)
type Step = typeof step extends fc.Arbitrary<infer Kind> ? Kind : never

test(
  'a client that applies the answers, from whatever it had, ends with what fresh reads give',
  { timeout: 240_000 },
  () => fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), check), { numRuns: 50 }),
)

async function check(steps: readonly Step[]): Promise<void> {
  const { db } = database
  const [founder, ...users] = Array.from({ length: 1 + USERS }, newUser) as [string, ...string[]]
  const conversations: { id: string; messages: string[]; present: Set<string> }[] = []
  for (let index = 0; index < CONVERSATIONS; index++) {
    const historyVisibility = index % 2 === 0 ? 'joined' : 'all'
    const id = await begin(db, [founder, ...users], { historyVisibility })
    conversations.push({ id, messages: [], present: new Set(users) })
  }
  // Devices of the first user: one syncs now and then, one half-way, one only at the end.
  const clients = Array.from({ length: 3 }, () => new SyncClient(users[0]!))
  const [often, once] = clients as [SyncClient, SyncClient]

  for (const [index, step] of steps.entries()) {
    if (index === Math.floor(steps.length / 2)) await once.catchUp(db, retention)
    if (step.do === 'sync') await often.catchUp(db, retention)
    else if (step.do === 'let time pass') {
      await age(db, 60)
      for (const client of clients) client.age(60)
    } else await take(step)
  }
  for (const client of clients) {
    const answers = await client.catchUp(db, retention)
    for (const answer of answers) expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(513 * 1024)
    await expectFresh(client)
  }

  async function take(step: Step): Promise<void> {
    if (!('conversation' in step)) return
    const { id, messages, present } = conversations[step.conversation]!
    const user = users[step.user]!
    if (step.do === 'come or go') {
      await (present.has(user) ? leave : join)(db, id, user)
      if (!present.delete(user)) present.add(user)
    } else if (step.do === 'rename') await rename(db, id, `by ${user}`)
    else if (step.do === 'say') {
      const text = step.long ? '語'.repeat(9_000) : 'x'
      const mentions = users.filter((mentioned) => present.has(mentioned))
      messages.push(...(await say(db, id, founder, Array(step.count).fill({ text, mentions }))))
    } else if (step.do === 'edit') {
      const messageId = messages[step.message % messages.length]
      if (messageId !== undefined) await edit(db, id, messageId, `edited for the ${step.message}th time`)
    } else if (step.do === 'read') await markRead(db, id, user, step.upTo)
    else if (step.do === 'mute' && present.has(user)) await mute(db, id, user)
    else if (step.do === 'promote' && present.has(user)) await promote(db, id, user)
  }
}

async function expectFresh(client: SyncClient): Promise<void> {
  const { db } = database
  const { userId } = client
  const all = await db
    .selectFrom('members')
    .select(['conversationId', 'visibleFromSequence'])
    .where('userId', '=', userId)
    .where('leftAt', 'is', null)
    .execute()
  expect(new Set(client.kept.keys())).toEqual(new Set(all.map(({ conversationId }) => conversationId)))
  const conversationIds = [...client.kept.keys()]
  for (const conversation of await findOwnConversations(db, retention, { conversationIds, userId })) {
    const { id: conversationId } = conversation
    const kept = client.kept.get(conversationId)!
    expect(kept.conversation).toEqual(conversation)
    expect(kept.version).toBe(conversation.version)
    const { visibleFromSequence } = all.find((own) => own.conversationId === conversationId)!
    const messages = await readMessages(db, {
      conversationId,
      visibleFromSequence,
      keptSince: retention.keptSince({ kind: 'group', messageDays: null, fileDays: null }),
      limit: 1_000,
    })
    const held = [...kept.messages.values()].toSorted((a, b) => b.sequence - a.sequence)
    // Who had to reload has the newest, without a hole, and reads what is older on demand.
    expect(held).toEqual(kept.partly ? messages.slice(0, held.length) : messages)
    if (kept.partly && messages.length > 0) expect(held.length).toBeGreaterThan(0)
    const members = await listMembers(db, conversationId, { limit: 100 })
    const present = [...kept.members.values()].filter(({ leftAt }) => leftAt === null)
    const byUser = (a: { userId: string }, b: { userId: string }) => (a.userId < b.userId ? -1 : 1)
    // Of themselves a user knows more: it is in `me`. And when somebody joined is moved by the test.
    const others = (list: typeof present) =>
      list
        .filter((member) => member.userId !== userId)
        .map((member) => ({ ...member, joinedAt: '' }))
        .toSorted(byUser)
    expect(others(present)).toEqual(others(members.map(memberOf)))
  }
}
