import type { TopicChange } from '@parley/contracts'
import type { Conversation } from '@parley/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { conversationChangesAfter } from '../src/store/changes.ts'
import { newUser } from './world.ts'
import { begin, edit, join, leave, openDatabase, promote, rename, retention, say, seat } from './written.ts'

let database: Awaited<ReturnType<typeof openDatabase>>
beforeAll(async () => void (database = await openDatabase()))
afterAll(() => database[Symbol.asyncDispose]())

/** Page by page, as a gateway repairs. */
async function changesAfter(id: string, after: number, limit: number): Promise<{ changes: TopicChange[]; to: number }> {
  const changes: TopicChange[] = []
  for (let to = after; ;) {
    const page = await conversationChangesAfter(database.db, retention, id, to, limit)
    for (const { version } of page.changes) {
      expect(version).toBeGreaterThan(changes.at(-1)?.version ?? to)
      expect(version).toBeLessThanOrEqual(page.to)
    }
    if (page.hasMore) expect(page.to).toBeGreaterThan(to)
    changes.push(...page.changes)
    to = page.to
    if (!page.hasMore) return { changes, to }
  }
}

const told = ({ version, event }: TopicChange): [number, string] => [version, event]

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('say' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('edit' as const), message: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('come or go', 'promote', 'rename') }) },
)
type Step = typeof step extends fc.Arbitrary<infer Kind> ? Kind : never

test('each change is told at its version and in its current state, however small the pages', { timeout: 120_000 }, () =>
  fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), fc.nat(20), check), { numRuns: 40 }),
)

async function check(steps: readonly Step[], after: number): Promise<void> {
  const { db } = database
  const [alice, bob] = [newUser(), newUser()]
  const id = await begin(db, [alice])
  const messages: { id: string; created: number; changed: number }[] = []
  const others = new Map<number, string>()
  let version = 1
  let renamed: number | undefined
  let isBobHere = false
  for (const step of steps) {
    if (step.do === 'say') {
      for (const said of await say(db, id, alice, Array(step.count).fill({}))) {
        version += 1
        messages.push({ id: said, created: version, changed: version })
      }
      continue
    }
    const message = step.do === 'edit' ? messages[step.message % messages.length] : undefined
    if (step.do === 'edit' && message === undefined) continue
    version += 1
    if (message !== undefined) {
      await edit(db, id, message.id, 'edited')
      message.changed = version
    } else if (step.do === 'rename') {
      await rename(db, id, 'new')
      renamed = version
    } else if (step.do === 'promote') {
      await promote(db, id, alice)
      others.set(version, 'MemberChanged')
    } else {
      await (isBobHere ? leave : join)(db, id, bob)
      others.set(version, isBobHere ? 'MemberLeft' : 'MemberJoined')
      isBobHere = !isBobHere
    }
  }
  if (renamed !== undefined) others.set(renamed, 'ConversationUpdated')
  for (const { created, changed } of messages) {
    others.set(created, 'MessageCreated')
    if (changed > created) others.set(changed, 'MessageUpdated')
  }
  const expected = [...others].filter(([at]) => at > after).toSorted(([a], [b]) => a - b)

  const to = version
  const whole = await changesAfter(id, after, 1_000)
  expect(whole.changes.map(told)).toEqual(expected)
  expect(whole.to).toBe(to)
  for (const limit of [1, 2, 3, 7]) expect(await changesAfter(id, after, limit)).toEqual(whole)
}

test('a message that has changed since is told as created and as changed, both as it is now', async () => {
  const alice = newUser()
  const id = await begin(database.db, [alice])
  const [first] = await say(database.db, id, alice, [{}, {}])
  await edit(database.db, id, first!, 'once')
  await edit(database.db, id, first!, 'twice')
  const { changes } = await changesAfter(id, 1, 1)
  const state = { sequence: 1, version: 5, text: 'twice', editedAt: expect.any(String) }
  expect(changes).toMatchObject([
    { version: 2, event: 'MessageCreated', sequence: 1, argument: state },
    { version: 3, event: 'MessageCreated', sequence: 2, argument: { text: 'x', editedAt: null } },
    { version: 5, event: 'MessageUpdated', sequence: 1, argument: state },
  ])
})

test('months that are gone leave no hole in what is told of the others', async () => {
  const alice = newUser()
  const id = await begin(database.db, [alice])
  const said = await say(database.db, id, alice, Array(20).fill({}))
  await edit(database.db, id, said[12]!, 'edited')
  await database.db.deleteFrom('messages').where('id', 'in', said.slice(0, 10)).execute()
  for (const limit of [1, 2, 5, 1_000]) {
    const { changes } = await changesAfter(id, 1, limit)
    expect(changes.map(({ version }) => version)).toEqual([...Array.from({ length: 10 }, (_, at) => at + 12), 22])
  }
})

test('in a large conversation one update stands for memberships, and who left is told at their version', async () => {
  const { db } = database
  const [alice, bob, carol, dave] = [newUser(), newUser(), newUser(), newUser()]
  const id = await begin(db, [alice], { kind: 'channel' })
  await seat(db, id, 1_000)
  await rename(db, id, 'new') // 2
  await join(db, id, bob) // 3
  await join(db, id, carol) // 4
  await say(db, id, alice) // 5
  await leave(db, id, bob) // 6
  await say(db, id, alice) // 7
  await join(db, id, dave) // 8
  await promote(db, id, dave) // 9
  const { changes, to } = await changesAfter(id, 1, 1_000)
  expect(to).toBe(9)
  const brief = changes.map((change) => ({ ...change, argument: undefined, sequence: undefined }))
  expect(brief).toEqual([
    { version: 5, event: 'MessageCreated' },
    { version: 6, event: 'ConversationUpdated', left: bob },
    { version: 7, event: 'MessageCreated' },
    { version: 9, event: 'ConversationUpdated', afterVersion: 7 },
  ])
  for (const { version, event, argument } of changes) {
    if (event !== 'ConversationUpdated') continue
    // As it is now, at the version of what is told.
    expect(argument).toMatchObject({ version, title: 'new', memberCount: 1_003, lastMessage: null })
    expect((argument as Conversation).me).toBeUndefined()
  }
  const paged = await changesAfter(id, 1, 2)
  expect(paged.to).toBe(9)
  expect(paged.changes.map(told)).toEqual([
    [3, 'ConversationUpdated'],
    [4, 'ConversationUpdated'],
    [5, 'MessageCreated'],
    [6, 'ConversationUpdated'],
    [7, 'MessageCreated'],
    [9, 'ConversationUpdated'],
  ])
  expect(paged.changes.filter(({ left }) => left !== undefined)).toMatchObject([{ version: 6, left: bob }])
})
