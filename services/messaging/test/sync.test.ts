import type { Conversation } from '@parley/protocol'
import { v4 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findOwnConversation } from '../src/store/own-conversations.ts'
import { answerSync, type SyncAnswer, type SyncRequest } from '../src/sync/answer-sync.ts'
import { SyncClient } from './sync-client.ts'
import { newUser } from './world.ts'
import {
  age,
  begin,
  counting,
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
  seat,
} from './written.ts'

let database: Awaited<ReturnType<typeof openDatabase>>
beforeAll(async () => void (database = await openDatabase()))
afterAll(() => database[Symbol.asyncDispose]())

const sync = (userId: string, asked: Partial<SyncRequest> = {}): Promise<SyncAnswer> =>
  answerSync(database.db, retention, { userId, conversations: [], since: null, told: null, ...asked })

/** A minute ago: what was made by the test is since then. */
const aMinuteAgo = () => new Date(Date.now() - 60_000).toISOString()
const inAMinute = () => new Date(Date.now() + 60_000).toISOString()

const see = async (userId: string, conversationId: string): Promise<Conversation> =>
  (await findOwnConversation(database.db, retention, { userId, conversationId }))!

const only = (answer: SyncAnswer) => {
  expect(answer.conversations).toHaveLength(1)
  return answer.conversations[0]!
}

const sequencesOf = (answer: { messages: readonly { sequence: number }[] }) =>
  answer.messages.map(({ sequence }) => sequence)

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

test('an up-to-date client costs one query, however many conversations it has, and gets nothing', async () => {
  const [alice, bob] = [newUser(), newUser()]
  for (let index = 0; index < 20; index++) {
    const id = await begin(database.db, [alice, bob])
    await say(database.db, id, bob)
    await markRead(database.db, id, alice, 1)
  }
  const client = new SyncClient(alice)
  await client.catchUp(database.db, retention)
  await age(database.db, 60)
  const { db, queries } = counting(database.db)
  const [answer, ...others] = await client.catchUp(db, retention)
  expect(others).toEqual([])
  expect(answer).toEqual({ conversations: [], removed: [], hasMore: false, told: null, serverTime: client.since })
  expect(queries()).toBe(1)
})

test('a conversation that the client does not know comes whole, or with its newest part and to reload', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const id = await begin(database.db, [alice, bob])
  const [first] = await say(database.db, id, bob, Array(50).fill({}))
  await edit(database.db, id, first!, 'first')
  const whole = only(await sync(alice))
  expect(whole).toEqual({
    conversation: await see(alice, id),
    messages: expect.any(Array),
    members: expect.any(Array),
    receipts: [],
    to: 52,
    reload: false,
  })
  // By version: the first was changed last.
  expect(sequencesOf(whole)).toEqual([...from(2, 50), 1])
  expect(new Set(whole.members.map(({ userId }) => userId))).toEqual(new Set([alice, bob]))

  await say(database.db, id, bob)
  const newest = only(await sync(alice))
  expect(newest).toMatchObject({ to: 53, reload: true })
  expect(sequencesOf(newest)).toEqual(from(2, 51))
})

test('of a large group the first hundred members come, and to reload', async () => {
  const [alice, ...others] = Array.from({ length: 150 }, newUser) as [string, ...string[]]
  await begin(database.db, [alice, ...others])
  const { members, reload } = only(await sync(alice))
  expect(members).toHaveLength(100)
  expect(reload).toBe(true)
})

test('what has changed since the named version comes once, in its current state and by version', async () => {
  const [alice, bob, carol, dave] = [newUser(), newUser(), newUser(), newUser()]
  const id = await begin(database.db, [alice, bob, carol])
  const [first] = await say(database.db, id, bob, [{}, {}])
  const { version } = await see(alice, id)
  const [third] = await say(database.db, id, bob, [{}])
  await edit(database.db, id, third!, 'third')
  await edit(database.db, id, first!, 'once')
  await edit(database.db, id, first!, 'twice')
  await join(database.db, id, dave)
  await promote(database.db, id, dave)
  await leave(database.db, id, carol)
  await rename(database.db, id, 'new')

  const { serverTime } = await sync(newUser())
  const answer = only(await sync(alice, { conversations: [{ id, version }], since: serverTime }))
  expect(answer).toMatchObject({ conversation: await see(alice, id), to: version + 8, reload: false })
  expect(answer.conversation).toMatchObject({ title: 'new', me: { unreadCount: 3 } })
  expect(answer.messages.map(({ text, version: at }) => [text, at - version])).toEqual([
    ['third', 2],
    ['twice', 4],
  ])
  expect(new Map(answer.members.map(({ userId, role, leftAt }) => [userId, [role, leftAt === null]]))).toEqual(
    new Map([
      [dave, ['admin', true]],
      [carol, ['member', false]],
    ]),
  )
})

test('what the named version can not lead to is reloaded: from before the own joining, from elsewhere, or too long ago', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const id = await begin(database.db, [alice, bob])
  await say(database.db, id, alice, Array(3).fill({}))
  const { version: before } = await see(bob, id)
  await leave(database.db, id, bob)
  await say(database.db, id, alice, Array(3).fill({}))
  await join(database.db, id, bob)
  await say(database.db, id, alice, Array(3).fill({}))
  const at = async (userId: string, version: number) => only(await sync(userId, { conversations: [{ id, version }] }))
  const { version } = await see(alice, id)

  const back = await at(bob, before)
  expect(back).toMatchObject({ reload: true, to: version })
  expect(sequencesOf(back)).toEqual([7, 8, 9])
  // From their joining on they have changes like everybody.
  const { joinedVersion } = await database.db
    .selectFrom('members')
    .select('joinedVersion')
    .where('conversationId', '=', id)
    .where('userId', '=', bob)
    .executeTakeFirstOrThrow()
  expect(await at(bob, joinedVersion)).toMatchObject({ reload: false })
  expect(await at(bob, joinedVersion - 1)).toMatchObject({ reload: true })

  expect(await at(alice, version + 1)).toMatchObject({ reload: true, to: version })
  for (let part = 0; part < 5; part++) await say(database.db, id, alice, Array(200).fill({}))
  const exactly = await at(alice, version)
  expect(exactly.reload).toBe(false)
  expect(sequencesOf(exactly)).toEqual(from(10, 1_009))
  const reloaded = await at(alice, version - 1)
  expect(reloaded.reload).toBe(true)
  expect(sequencesOf(reloaded)).toEqual(from(960, 1_009))
})

test('changes of more bytes than an answer has are reloaded, with the newest that fit', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const id = await begin(database.db, [alice, bob])
  await say(database.db, id, bob, Array(30).fill({ text: '語'.repeat(10_000) }))
  const answer = await sync(alice, { conversations: [{ id, version: 1 }] })
  const told = only(answer)
  expect(told.reload).toBe(true)
  expect(sequencesOf(told)).toEqual(from(31 - told.messages.length, 30))
  expect(told.messages.length).toBeGreaterThan(10)
  expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(513 * 1024)
  expect(await sync(alice, { conversations: [{ id, version: told.to }], since: answer.serverTime })).toMatchObject({
    conversations: [],
    hasMore: false,
  })
})

test('what was said before a member joined, and what has expired, is never told', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const id = await begin(database.db, [alice])
  const [old, hidden] = await say(database.db, id, alice, [{}, {}])
  await join(database.db, id, bob)
  const { version } = await see(alice, id)
  await say(database.db, id, alice)
  await edit(database.db, id, hidden!, 'edited')
  await edit(database.db, id, old!, 'edited')
  const createdAt = new Date(Date.now() - 366 * 24 * 60 * 60_000)
  await database.db.updateTable('messages').set({ createdAt }).where('id', '=', old!).execute()
  const missed = { conversations: [{ id, version }], since: inAMinute() }
  expect(sequencesOf(only(await sync(bob, missed)))).toEqual([3])
  expect(sequencesOf(only(await sync(alice, missed)))).toEqual([3, 2])
  expect(sequencesOf(only(await sync(bob)))).toEqual([3])
})

test('named conversations that are not theirs, or not any more, are told as removed', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const [left, never, stayed] = [
    await begin(database.db, [alice, bob]),
    await begin(database.db, [alice]),
    await begin(database.db, [alice, bob]),
  ]
  await leave(database.db, left, bob)
  const unknown = v4()
  const conversations = [left, never, unknown, stayed].map((id) => ({ id, version: 1 }))
  const { removed, conversations: told } = await sync(bob, { conversations, since: inAMinute() })
  expect(new Set(removed)).toEqual(new Set([left, never, unknown]))
  expect(told).toEqual([])
})

test('with partial, conversations that are not named are new only when they became theirs since', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const known = await begin(database.db, [alice, bob])
  const old = await begin(database.db, [alice, bob])
  await age(database.db, 60)
  const since = new Date(Date.now() - 30_000).toISOString()
  const joined = await begin(database.db, [alice])
  await join(database.db, joined, bob)
  const named = { conversations: [{ id: known, version: 1 }], since }
  const idsOf = async (asked: Partial<SyncRequest>) =>
    new Set((await sync(bob, asked)).conversations.map(({ conversation }) => conversation.id))
  expect(await idsOf({ ...named, partial: true })).toEqual(new Set([joined]))
  expect(await idsOf(named)).toEqual(new Set([old, joined]))
  expect(await idsOf({ ...named, since: null, partial: true })).toEqual(new Set([old, joined]))
})

test('receipts of others and own marks of other devices come since the last answer, without anything else', async () => {
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const id = await begin(database.db, [alice, bob, carol])
  await say(database.db, id, alice, [{}, {}])
  await markRead(database.db, id, carol, 1)
  await age(database.db, 60)
  const { version } = await see(alice, id)
  const conversations = [{ id, version }]
  const since = new Date(Date.now() - 20_000).toISOString()
  expect((await sync(bob, { conversations, since })).conversations).toEqual([])

  await markRead(database.db, id, bob, 2)
  const nothingElse = { messages: [], members: [], to: version, reload: false }
  const receipts = [{ userId: bob, deliveredSequence: 2, readSequence: 2 }]
  expect(only(await sync(alice, { conversations, since }))).toEqual({
    conversation: await see(alice, id),
    receipts,
    ...nothingElse,
  })
  const ofBob = only(await sync(bob, { conversations, since }))
  expect(ofBob).toMatchObject({ conversation: { me: { readSequence: 2, unreadCount: 0 } }, receipts: [] })
  // Who does not know since when is told all that was ever raised.
  const all = only(await sync(alice, { conversations }))
  expect(new Set(all.receipts.map(({ userId }) => userId))).toEqual(new Set([bob, carol]))

  await age(database.db, 60)
  await mute(database.db, id, alice)
  const muted = only(await sync(alice, { conversations, since }))
  expect(muted).toMatchObject({ conversation: { me: { mutedUntil: expect.any(String) } }, receipts: [] })
  expect((await sync(bob, { conversations, since })).conversations).toEqual([])
})

test('a mark that was being written during an answer is told by the next', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const id = await begin(database.db, [alice, bob])
  await say(database.db, id, alice)
  const client = new SyncClient(alice)
  const marking = await database.db.startTransaction().execute()
  await markRead(marking, id, bob, 1)
  await client.catchUp(database.db, retention)
  expect(client.kept.get(id)!.members.get(bob)).toMatchObject({ readSequence: 0 })
  await marking.commit().execute()
  await client.catchUp(database.db, retention)
  expect(client.kept.get(id)!.members.get(bob)).toMatchObject({ readSequence: 1 })
})

test('above the size at which members are told of, neither members nor receipts are in an answer', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const id = await begin(database.db, [alice, bob], { kind: 'channel' })
  await seat(database.db, id, 1_000)
  expect(only(await sync(alice))).toMatchObject({ members: [], reload: false, conversation: { memberCount: 1_002 } })
  await say(database.db, id, alice)
  await promote(database.db, id, bob)
  await markRead(database.db, id, bob, 1)
  const told = only(await sync(alice, { conversations: [{ id, version: 1 }], since: aMinuteAgo() }))
  expect(told).toMatchObject({ members: [], receipts: [], messages: [{ sequence: 1 }] })
  // Thousands read it all the time: that is no news.
  const uptodate = { conversations: [{ id, version: told.to }], since: aMinuteAgo() }
  expect((await sync(alice, uptodate)).conversations).toEqual([])
})

test('a client that was away for a day with 200 conversations needs few requests and few queries', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const client = new SyncClient(alice)
  const ids: string[] = []
  for (let index = 0; index < 200; index++) ids.push(await begin(database.db, [alice, bob]))
  await client.catchUp(database.db, retention)
  await age(database.db, 24 * 60 * 60)
  client.age(24 * 60 * 60)
  for (const id of ids) {
    await say(database.db, id, bob, Array(15).fill({ text: 'as long as people mostly write, or a little longer' }))
    await markRead(database.db, id, bob, 15)
  }
  const { db, queries } = counting(database.db)
  const answers = await client.catchUp(db, retention)
  expect(answers.length).toBeLessThanOrEqual(6)
  expect(queries()).toBeLessThanOrEqual(60)
  const shown = answers.flatMap(({ conversations }) => conversations)
  expect(shown.slice(0, 200).map(({ conversation }) => conversation.id)).toEqual(ids.toReversed())
  for (const id of ids) {
    expect(client.kept.get(id)).toMatchObject({ partly: false, version: 16 })
    expect(client.kept.get(id)!.messages.size).toBe(15)
    expect(client.kept.get(id)!.members.get(bob)).toMatchObject({ readSequence: 15 })
  }
})

test('what is only receipts comes over as many answers as it needs, once each, and what is raised meanwhile by the next', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const ids: string[] = []
  for (let index = 0; index < 60; index++) {
    const id = await begin(database.db, [alice, bob])
    await say(database.db, id, alice, [{ text: '語'.repeat(10_000) }])
    ids.push(id)
  }
  const client = new SyncClient(alice)
  const first = await client.catchUp(database.db, retention)
  expect(first.length).toBeGreaterThan(3)
  await age(database.db, 60)
  for (const id of ids) await markRead(database.db, id, bob, 1)

  // In the middle of it a conversation changes, and one that was told is marked again.
  const middle: (() => Promise<void>)[] = [
    async () => void (await say(database.db, ids[0]!, bob, [{ text: 'meanwhile' }])),
    async () => markRead(database.db, client.lastTold!, alice, 1),
  ]
  const { since } = client
  const pauses: number[] = []
  const answers = await client.catchUp(database.db, retention, async () => {
    pauses.push(Date.now())
    await middle.shift()?.()
  })
  expect(middle).toEqual([])
  expect(answers.length).toBeGreaterThan(3)
  // Until all has come, nothing is complete but what was; and then, what was at the first of these answers.
  const times = answers.map(({ serverTime }) => serverTime)
  expect(new Set(times.slice(0, -1))).toEqual(new Set([since]))
  expect(times.at(-1)! > since!).toBe(true)
  expect(Date.parse(times.at(-1)!)).toBeLessThanOrEqual(pauses[0]!)
  const told = answers.flatMap(({ conversations }) => conversations)
  expect(new Set(told.map(({ conversation }) => conversation.id))).toEqual(new Set(ids))
  expect(told.length).toBeLessThanOrEqual(ids.length + 2)
  for (const id of ids) {
    expect(client.kept.get(id)!.conversation).toEqual(await see(alice, id))
    expect(client.kept.get(id)!.members.get(bob)).toMatchObject({ readSequence: 1 })
  }

  // Who has lost the time, but nothing else, is told all of it again.
  await age(database.db, 60)
  client.since = null
  const again = (await client.catchUp(database.db, retention)).flatMap(({ conversations }) => conversations)
  expect(new Set(again.map(({ conversation }) => conversation.id))).toEqual(new Set(ids))
})

test('the newest activity comes first, also when what comes next does not fit any more', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const ids: string[] = []
  for (let index = 0; index < 4; index++) ids.push(await begin(database.db, [alice, bob]))
  const [oldest, older, large, newest] = ids as [string, string, string, string]
  const client = new SyncClient(alice)
  await client.catchUp(database.db, retention)
  await say(database.db, oldest, bob, Array(800).fill({}))
  await say(database.db, older, bob, Array(800).fill({}))
  await say(database.db, large, bob, Array(16).fill({ text: '語'.repeat(10_000) }))
  await say(database.db, newest, bob, Array(16).fill({ text: '語'.repeat(5_000) }))
  const answers = await client.catchUp(database.db, retention)
  const idsOf = ({ conversations }: SyncAnswer) => conversations.map(({ conversation }) => conversation.id)
  expect(answers.slice(0, 2).map(idsOf)).toEqual([[newest], [large]])
  expect(answers.flatMap(idsOf).slice(2, 4)).toEqual([older, oldest])
  for (const id of ids) expect(client.kept.get(id)).toMatchObject({ partly: false })
})

test('more conversations than an answer has come with the next, and one that is named twice comes once', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const ids: string[] = []
  for (let index = 0; index < 260; index++) ids.push(await begin(database.db, [alice, bob]))
  const client = new SyncClient(alice)
  await client.catchUp(database.db, retention)
  expect(new Set(client.kept.keys())).toEqual(new Set(ids))
  for (const id of ids) await rename(database.db, id, 'new')
  const answers = await client.catchUp(database.db, retention)
  expect(answers[0]!.conversations.length).toBeLessThanOrEqual(250)
  expect(new Set(client.kept.values().map(({ version }) => version))).toEqual(new Set([2]))
  const id = ids[0]!
  const twice = {
    conversations: [
      { id, version: 1 },
      { id, version: 1 },
    ],
    since: inAMinute(),
    partial: true,
  }
  expect((await sync(alice, twice)).conversations).toHaveLength(1)
})

test('of more conversations than a request can name, all come, also when some become active meanwhile', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const ids: string[] = []
  for (let index = 0; index < 40; index++) {
    const id = await begin(database.db, [alice, bob])
    await say(database.db, id, bob, [{ text: '語'.repeat(9_000) }])
    ids.push(id)
  }
  await age(database.db, 60)
  const client = new SyncClient(alice)
  client.namesAtMost = 3
  let index = 0
  const answers = await client.catchUp(database.db, retention, async () => {
    // One of the oldest, which has not been told, moves to the front.
    await say(database.db, ids[index++]!, bob)
  })
  expect(answers.length).toBeGreaterThan(3)
  expect(index).toBeGreaterThan(2)
  expect(new Set(client.kept.keys())).toEqual(new Set(ids))
  expect(client.since).toBe(answers.at(-1)!.serverTime)
})

test('a message that was being written during the first answer does not hide its conversation from the next', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const ids: string[] = []
  for (let index = 0; index < 30; index++) {
    const id = await begin(database.db, [alice, bob])
    await say(database.db, id, bob, [{ text: '語'.repeat(9_000) }])
    ids.push(id)
  }
  await age(database.db, 60)
  const sending = await database.db.startTransaction().execute()
  await say(sending, ids[0]!, bob)
  const client = new SyncClient(alice)
  let committed = false
  await client.catchUp(database.db, retention, async () => {
    if (!committed) await sending.commit().execute()
    committed = true
  })
  expect(committed).toBe(true)
  expect(new Set(client.kept.keys())).toEqual(new Set(ids))
})
