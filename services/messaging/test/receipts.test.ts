import { must } from '@parley/bus'
import type { messaging, ReceiptsDelivery, RequestOf } from '@parley/contracts'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect, test, vi } from 'vitest'
import { markOf } from '../src/domain/receipts.ts'
import { markReceipts } from '../src/store/mark-receipts.ts'
import { cuttingProxy } from './cutting-proxy.ts'
import { actorOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'

type Asked = RequestOf<(typeof messaging)['calls']['markReceipts']>['marks'][number]

const WAIT = { timeout: 15_000, interval: 20 }
const group = { gatherReadMs: 500, gatherDeliveredMs: 30_000 }

const asked = (
  userId: string,
  conversationId: string,
  { delivered = 0, read = 0, connectionId }: { delivered?: number; read?: number; connectionId?: string },
): Asked => ({
  actor: actorOf(userId),
  conversationId,
  deliveredSequence: delivered,
  readSequence: read,
  ...(connectionId !== undefined && { connectionId }),
})

const mark = async (world: World, ...marks: Asked[]) => must(await world.calls.markReceipts({ marks })).results

const setPrivateRead = async (world: World, userId: string, privateRead: boolean) =>
  must(await world.calls.updateSettings({ actor: actorOf(userId), privateRead }))

const receiptsOf = async (world: World, userId: string, conversationId: string, messageId: string) =>
  must(await world.calls.getReceipts({ actor: actorOf(userId), conversationId, messageId }))

const ownPartOf = async (world: World, userId: string, conversationId: string) =>
  must(await world.calls.getConversation({ actor: actorOf(userId), conversationId })).me

const memberSeen = async (world: World, byUserId: string, conversationId: string, userId: string) =>
  must(await world.calls.listMembers({ actor: actorOf(byUserId), conversationId })).members.find(
    (member) => member.userId === userId,
  )

async function groupWith(world: World, members: number, messages: number) {
  const [alice, ...others] = Array.from({ length: members }, newUser) as [string, ...string[]]
  const { id: conversationId } = await world.createGroup(alice, others)
  const sent = []
  for (let index = 0; index < messages; index++) sent.push(messageOf(await world.send(alice, conversationId)))
  return { alice, others, conversationId, sent }
}

test('marks are answered each for itself, with how long the next ones may be gathered', async () => {
  await using world = await openWorld()
  const { alice, others, conversationId } = await groupWith(world, 2, 3)
  const bob = others[0]!
  const direct = must(await world.calls.createConversation({ actor: actorOf(alice), kind: 'direct', memberIds: [bob] }))
  const results = await mark(
    world,
    asked(bob, conversationId, { read: 3 }),
    asked(newUser(), conversationId, { read: 3 }),
    asked(bob, direct.id, { delivered: 1 }),
    asked(bob, conversationId, { delivered: 2 }),
  )
  expect(results).toEqual([
    group,
    { refusal: expect.objectContaining({ code: 'not_a_member' }) },
    { gatherReadMs: 0, gatherDeliveredMs: 1_000 },
    group,
  ])
  expect(await ownPartOf(world, bob, conversationId)).toMatchObject({
    deliveredSequence: 3,
    readSequence: 3,
    unreadCount: 0,
  })
})

test('members are told of what rises, and a user on the devices that did not mark it', async () => {
  await using world = await openWorld()
  const { others, conversationId } = await groupWith(world, 2, 3)
  const bob = others[0]!
  await mark(world, asked(bob, conversationId, { read: 2, connectionId: 'phone' }))
  const receipt = { userId: bob, deliveredSequence: 2, readSequence: 2 }
  const expected: ReceiptsDelivery[] = [
    { topic: `c:${conversationId}`, conversationId, receipts: [receipt], gatherMs: 1_000 },
    { topic: `u:${bob}`, conversationId, receipts: [receipt], gatherMs: 0, exceptConnectionId: 'phone' },
  ]
  await vi.waitFor(() => expect(world.receipts).toEqual(expect.arrayContaining(expected)), WAIT)
  await vi.waitFor(() => {
    const subject = `messaging.event.receipts-advanced.${conversationId}`
    const payloads = world.events.filter((event) => event.subject === subject).map(({ payload }) => payload)
    expect(payloads).toContainEqual({ conversationId, receipts: [receipt] })
  }, WAIT)
})

test('what an instance has committed and not told when it was killed is told by another', async () => {
  await using world = await openWorld()
  const { others, conversationId } = await groupWith(world, 2, 1)
  const userId = others[0]!
  await markReceipts(world.db, [markOf({ userId, conversationId, deliveredSequence: 1, readSequence: 0 })])
  const receipts = [{ userId, deliveredSequence: 1, readSequence: 0 }]
  await vi.waitFor(
    () => expect(world.receipts).toContainEqual(expect.objectContaining({ receipts, gatherMs: 1_000 })),
    WAIT,
  )
  await vi.waitFor(async () => expect(await world.db.selectFrom('outbox').selectAll().execute()).toEqual([]), WAIT)
})

test('marks of many users through two instances, among sends and removals, end at the highest', async () => {
  await using world = await openWorld({ instances: 2 })
  const { alice, others, conversationId } = await groupWith(world, 10, 1)
  const removed = others.pop()!
  const said = new Map<string, { read: number; delivered: number }>()
  const errors: string[] = []
  const keepMarking = async (userId: string) => {
    let latest = 1
    for (let turn = 0; turn < 25; turn++) {
      // What one sends is read at once by oneself, but others are told only what is marked.
      if (turn % 3 === 0) latest = messageOf(await world.send(userId, conversationId)).sequence
      const read = Math.max(1, latest - (turn % 4))
      const [result] = await mark(world, asked(userId, conversationId, { read, delivered: latest }))
      if (result !== undefined && 'refusal' in result) errors.push(result.refusal.code)
      said.set(userId, { read: Math.max(said.get(userId)?.read ?? 0, read), delivered: latest })
    }
  }
  const removing = (async () => {
    for (let turn = 0; turn < 10; turn++) await mark(world, asked(removed, conversationId, { read: turn }))
    must(await world.calls.removeMember({ actor: actorOf(alice), conversationId, userId: removed }))
    const refused = await mark(
      world,
      asked(removed, conversationId, { read: 10 }),
      asked(alice, conversationId, { read: 1 }),
    )
    expect(refused).toEqual([{ refusal: expect.objectContaining({ code: 'not_a_member' }) }, group])
  })()
  await Promise.all([...others.map(keepMarking), removing])
  expect(errors).toEqual([])
  for (const userId of others) {
    const member = await memberSeen(world, alice, conversationId, userId)
    const { read: readSequence, delivered: deliveredSequence } = said.get(userId)!
    expect(member).toMatchObject({ readSequence, deliveredSequence })
  }
})

test('a private reader reads for themselves alone, but what they have got is known', async () => {
  await using world = await openWorld()
  const { alice, others, conversationId, sent } = await groupWith(world, 3, 2)
  const [bob, carol] = others as [string, string]
  expect(must(await world.calls.getSettings({ actor: actorOf(bob) }))).toEqual({ privateRead: false })
  expect(await setPrivateRead(world, bob, true)).toEqual({ privateRead: true })
  expect(must(await world.calls.updateSettings({ actor: actorOf(bob) }))).toEqual({ privateRead: true })
  await mark(world, asked(bob, conversationId, { read: 2 }), asked(carol, conversationId, { read: 2 }))
  expect(await memberSeen(world, alice, conversationId, bob)).toMatchObject({ deliveredSequence: 2, readSequence: 0 })
  expect(await memberSeen(world, alice, conversationId, carol)).toMatchObject({ readSequence: 2 })
  expect(await ownPartOf(world, bob, conversationId)).toMatchObject({ readSequence: 2, unreadCount: 0 })
  expect(await receiptsOf(world, alice, conversationId, sent[1]!.id)).toMatchObject({ deliveredCount: 2, readCount: 1 })
  await setPrivateRead(world, bob, false)
  await mark(world, asked(bob, conversationId, { read: 2 }))
  expect(await memberSeen(world, alice, conversationId, bob)).toMatchObject({ readSequence: 2 })
})

test('settings are kept for users whom nobody has added anywhere, and their first conversation is their first', async () => {
  await using world = await openWorld()
  const [alice, bob] = [newUser(), newUser()]
  await setPrivateRead(world, bob, true)
  expect(must(await world.calls.listMemberships({ userIds: [bob] })).users).toEqual([
    { userId: bob, membershipVersion: 0, memberships: [], hasBlocked: false },
  ])
  expect(must(await world.calls.readVersions({ topics: [`u:${bob}`] })).versions).toEqual([0])
  await world.createGroup(alice, [bob])
  const { users } = must(await world.calls.listMemberships({ userIds: [bob] }))
  expect(users).toMatchObject([{ membershipVersion: 1, memberships: [{}] }])
  expect(must(await world.calls.getSettings({ actor: actorOf(bob) }))).toEqual({ privateRead: true })
})

test('the receipts of a message say who has it and who has read it, and when', async () => {
  await using world = await openWorld()
  const { alice, others, conversationId, sent } = await groupWith(world, 4, 1)
  const [bob, carol, dave] = others as [string, string, string]
  const [first] = sent as [(typeof sent)[number]]
  await mark(world, asked(bob, conversationId, { read: 1 }), asked(carol, conversationId, { delivered: 1 }))
  const afterFirstRead = new Date().toISOString()
  await vi.waitFor(() => expect(new Date().toISOString() > afterFirstRead).toBe(true))
  const second = messageOf(await world.send(alice, conversationId))
  // Who comes later could not have read what was said before, even if they see it.
  const erin = newUser()
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [erin] }))
  await mark(world, asked(bob, conversationId, { read: 2 }), asked(erin, conversationId, { read: 2 }))

  const { receipts, ...counts } = await receiptsOf(world, dave, conversationId, first.id)
  expect(counts).toEqual({ memberCount: 3, deliveredCount: 2, readCount: 1 })
  const byUser = new Map(receipts.map((receipt) => [receipt.userId, receipt]))
  const bobs = byUser.get(bob)!
  expect(bobs.readAt! >= first.createdAt && bobs.readAt! <= afterFirstRead).toBe(true)
  expect(bobs.deliveredAt! <= bobs.readAt!).toBe(true)
  expect(byUser.get(carol)).toEqual({ userId: carol, deliveredAt: expect.any(String), readAt: null })
  expect(byUser.get(dave)).toEqual({ userId: dave, deliveredAt: null, readAt: null })
  const later = await receiptsOf(world, alice, conversationId, second.id)
  expect(later).toMatchObject({ memberCount: 3, deliveredCount: 1, readCount: 1 })
  expect(later.receipts.find(({ userId }) => userId === bob)!.readAt! >= second.createdAt).toBe(true)
})

test('where the log does not reach, a read is told with the time of the last mark', async () => {
  await using world = await openWorld()
  const { alice, others, conversationId, sent } = await groupWith(world, 2, 1)
  await mark(world, asked(others[0]!, conversationId, { read: 1 }))
  await sql`truncate read_log`.execute(world.db)
  const { raisedAt } = await world.db
    .selectFrom('members')
    .select('raisedAt')
    .where('userId', '=', others[0]!)
    .executeTakeFirstOrThrow()
  const { receipts } = await receiptsOf(world, alice, conversationId, sent[0]!.id)
  const at = raisedAt!.toISOString()
  expect(receipts).toEqual([{ userId: others[0], deliveredAt: at, readAt: at }])
})

test('receipts are for members, of messages that they may see', async () => {
  await using world = await openWorld()
  const { alice, others, conversationId, sent } = await groupWith(world, 2, 1)
  const messageId = sent[0]!.id
  const [carol, other] = [newUser(), await groupWith(world, 2, 1)]
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [carol] }))
  const refused = async (userId: string, id: string) =>
    refusalOf(await world.calls.getReceipts({ actor: actorOf(userId), conversationId, messageId: id }))
  expect(await refused(newUser(), messageId)).toBe('not_a_member')
  expect(await refused(carol, messageId)).toBe('message_not_found')
  expect(await refused(alice, v7())).toBe('message_not_found')
  expect(await refused(alice, other.sent[0]!.id)).toBe('message_not_found')
  // A tombstone was read too.
  must(await world.calls.deleteMessage({ actor: actorOf(alice), conversationId, messageId }))
  await mark(world, asked(others[0]!, conversationId, { read: 1 }))
  expect(await receiptsOf(world, alice, conversationId, messageId)).toMatchObject({ readCount: 1 })
  await sql`update messages set created_at = now() - interval '366 days' where id = ${messageId}`.execute(world.db)
  expect(await refused(alice, messageId)).toBe('message_not_found')
})

test('a channel counts, and tells nobody who', async () => {
  await using world = await openWorld()
  const { alice, others, conversationId, sent } = await groupWith(world, 3, 1)
  await sql`update conversations set kind = 'channel'`.execute(world.db)
  const [result] = await mark(world, asked(others[0]!, conversationId, { read: 1 }))
  expect(result).toEqual({ gatherReadMs: 5_000, gatherDeliveredMs: 30_000 })
  expect(await receiptsOf(world, alice, conversationId, sent[0]!.id)).toEqual({
    receipts: [],
    deliveredCount: 1,
    readCount: 1,
    memberCount: 2,
  })
  await vi.waitFor(() => expect(world.receipts).toHaveLength(1), WAIT)
  expect(world.receipts).toMatchObject([{ topic: `u:${others[0]!}` }])
})

test('1,000 members who read one message make a thousand updates, a row for each write and no other, and one indexed look', async () => {
  await using world = await openWorld()
  const { alice, conversationId, sent } = await groupWith(world, 2, 1)
  await sql`
    insert into members (
      conversation_id, user_id, role, joined_at, joined_version, joined_sequence, visible_from_sequence,
      delivered_sequence, read_sequence)
    select ${conversationId}, gen_random_uuid(), 'member', now(), 1, 0, 1, 0, 0 from generate_series(1, 998)`.execute(
    world.db,
  )
  await sql`update conversations set member_count = 1000`.execute(world.db)
  const members = await world.db.selectFrom('members').select('userId').where('userId', '<>', alice).execute()
  const readers = members.map(({ userId }) => userId)
  for (let from = 0; from < readers.length; from += 100) {
    await mark(world, ...readers.slice(from, from + 100).map((userId) => asked(userId, conversationId, { read: 1 })))
  }
  const log = await world.db.selectFrom('readLog').select('userIds').execute()
  expect(log.length).toBeLessThanOrEqual(20)
  expect(new Set(log.flatMap(({ userIds }) => userIds))).toEqual(new Set(readers))
  expect(await world.db.selectFrom('conversationReceipts').selectAll().execute()).toHaveLength(1)
  const begun = performance.now()
  const { receipts, ...counts } = await receiptsOf(world, alice, conversationId, sent[0]!.id)
  expect(performance.now() - begun).toBeLessThan(1_000)
  expect(counts).toEqual({ memberCount: 999, deliveredCount: 999, readCount: 999 })
  expect(receipts.every(({ deliveredAt, readAt }) => readAt !== null && deliveredAt === readAt)).toBe(true)
})

test('with Postgres away a mark is unavailable, and none is lost that was answered', async () => {
  await using world = await openWorld()
  const { alice, others, conversationId } = await groupWith(world, 2, 9)
  await using proxy = await cuttingProxy(world.databaseUrl)
  await using behind = await openWorld({ instances: 0, databaseUrl: world.databaseUrl })
  await behind.startInstance({ POSTGRES_URL: proxy.url })
  for (let read = 1; read < 10; read++) {
    const request = { marks: [asked(others[0]!, conversationId, { read })] }
    if (read % 3 === 0) {
      proxy.cutNextReplyTo('mark_receipts')
      await expect(behind.calls.markReceipts(request)).rejects.toMatchObject({ code: 'unavailable' })
    }
    must(await behind.calls.markReceipts(request))
    expect(await memberSeen(world, alice, conversationId, others[0]!)).toMatchObject({ readSequence: read })
  }
  expect(proxy.cuts).toBe(3)
})
