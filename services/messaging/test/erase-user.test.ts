import { randomUUID } from 'node:crypto'
import { findEvents, must, serve } from '@parley/bus'
import { conversationTopic, media, messaging } from '@parley/contracts'
import type { Message } from '@parley/protocol'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eraseMessages } from '../src/erasure/erase-messages.ts'
import { isEventOf } from '../src/erasure/is-event-of.ts'
import { audit } from './audit.ts'
import { cuttingProxy } from './cutting-proxy.ts'
import { eraseThrough } from './erase.ts'
import { SyncClient } from './sync-client.ts'
import { actorOf, codeOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'
import { retention } from './written.ts'

const WAIT = { timeout: 15_000, interval: 20 }

let world: World
beforeAll(async () => {
  world = await openWorld({ instances: 2 })
  await serve(world.bus, media, {
    attachUploads: async ({ uploadIds }) => ({ attachments: uploadIds.map(attachmentOf) }),
    releaseUploads: async () => ({}),
  })
})
afterAll(() => world[Symbol.asyncDispose]())

const nothingKnown = { width: null, height: null, blurhash: null, durationMs: null, pages: null }
const attachmentOf = (id: string) => ({ id, name: 'notes.txt', type: 'text/plain', size: 5, ...nothingKnown })

const erase = (userId: string) => eraseThrough(world.calls, userId)

const sent = async (...parameters: Parameters<World['send']>) => messageOf(await world.send(...parameters))

const historyOf = async (userId: string, conversationId: string): Promise<Message[]> =>
  must(await world.calls.getMessages({ actor: actorOf(userId), conversationId })).messages

const membersOf = async (userId: string, conversationId: string) =>
  must(await world.calls.listMembers({ actor: actorOf(userId), conversationId })).members

const react = async (userId: string, conversationId: string, messageId: string, emoji: string) =>
  must(await world.calls.addReaction({ actor: actorOf(userId), conversationId, messageId, emoji }))

const allTold = () => expect.poll(() => world.db.selectFrom('outbox').select('id').execute(), WAIT).toEqual([])

const eventsOf = (conversationId: string, isOf: Parameters<typeof findEvents>[2]['isOf'] = () => true) =>
  findEvents(world.bus, messaging, { subject: `messaging.event.*.${conversationId}`, isOf, most: 1_000 })

const directOf = async (one: string, other: string) =>
  must(await world.calls.createConversation({ actor: actorOf(one), kind: 'direct', memberIds: [other] })).id

describe('of a user who is erased', () => {
  test('own messages become tombstones in their places, with all that was kept beside them, and others stay', async () => {
    const [gone, bob, cid] = [newUser(), newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(bob, [gone, cid])
    const upload = v4()
    const first = await sent(gone, conversationId, { text: 'mine', mentions: [bob], attachments: [upload] })
    await sent(bob, conversationId, { text: 'not mine' })
    const edited = await sent(gone, conversationId, { text: 'before' })
    const place = { actor: actorOf(gone), conversationId, messageId: edited.id }
    must(await world.calls.editMessage({ ...place, text: 'after' }))
    await react(bob, conversationId, first.id, '👍')
    const deleted = await sent(gone, conversationId, { text: 'deleted before' })
    must(await world.calls.deleteMessage({ ...place, messageId: deleted.id }))
    const before = await historyOf(bob, conversationId)

    const counts = await erase(gone)
    expect(counts).toMatchObject({ 'postgres.messages': 2, 'postgres.memberships': 1 })
    const history = await historyOf(bob, conversationId)
    expect(history.map(({ sequence, text }) => ({ sequence, text }))).toEqual([
      { sequence: 1, text: '' },
      { sequence: 2, text: 'not mine' },
      { sequence: 3, text: '' },
      { sequence: 4, text: '' },
    ])
    const tombstone = { text: '', mentions: [], attachments: [], reactions: [], deletedAt: expect.any(String) }
    expect(history[0]).toMatchObject({ ...tombstone, senderId: gone, id: first.id })
    expect(history[2]).toMatchObject(tombstone)
    expect([history[1], history[3]]).toEqual([before[1], before[3]])
    for (const table of ['messageEdits', 'reactions', 'unreadMentions'] as const) {
      const parts = await world.db
        .selectFrom(table)
        .selectAll()
        .where('messageId', 'in', [first.id, edited.id])
        .execute()
      expect(parts).toEqual([])
    }
    const hashes = await world.db.selectFrom('messages').select('contentHash').where('id', '=', first.id).execute()
    expect(hashes[0]?.contentHash).toHaveLength(0)
    const removed = () =>
      world.events.filter(({ subject }) => subject.endsWith(`attachments-removed.${conversationId}`))
    await expect.poll(removed, WAIT).toMatchObject([{ payload: { messageId: first.id, uploadIds: [upload] } }])
    expect(await audit(world.db)).toEqual([])
  })

  test('each tombstone is told once, with a version of its own and without a gap, live and by sync', async () => {
    const [gone, bob] = [newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(bob, [gone])
    const client = new SyncClient(bob)
    await client.catchUp(world.db, retention)
    const ids: string[] = []
    for (let index = 0; index < 120; index++) ids.push((await sent(gone, conversationId, { text: `${index}` })).id)
    await client.catchUp(world.db, retention)
    const { version } = client.kept.get(conversationId)!

    await erase(gone)
    await client.catchUp(world.db, retention)
    const kept = client.kept.get(conversationId)!
    expect(ids.map((id) => kept.messages.get(id)?.deletedAt)).toEqual(ids.map(() => expect.any(String)))
    // The last version is the end of the membership.
    expect(kept.version).toBe(version + 120 + 1)
    const told = () =>
      world.deliveries
        .filter(({ topic, event }) => topic === conversationTopic(conversationId) && event === 'MessageUpdated')
        .map((delivery) => delivery.version)
        .toSorted((a, b) => a - b)
    await expect.poll(told, WAIT).toEqual(ids.map((_, index) => version + 1 + index))
  })

  test('reactions to what others said are taken back, each change told, and those of others stay', async () => {
    const [gone, bob] = [newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(bob, [gone])
    const message = await sent(bob, conversationId)
    for (const emoji of ['👍', '🎉']) await react(gone, conversationId, message.id, emoji)
    await react(bob, conversationId, message.id, '👍')
    expect(await erase(gone)).toMatchObject({ 'postgres.reactions': 2 })
    const [after] = await historyOf(bob, conversationId)
    expect(after?.reactions).toEqual([{ emoji: '👍', count: 1, userIds: [bob] }])
    expect(after?.text).toBe('hello')
    expect(await world.db.selectFrom('reactions').select('userId').where('userId', '=', gone).execute()).toEqual([])
  })

  test('memberships of groups end as if they left, and direct conversations stay', async () => {
    const [gone, bob] = [newUser(), newUser()]
    const { id: group } = await world.createGroup(bob, [gone])
    const direct = await directOf(gone, bob)
    await sent(gone, direct, { text: 'between us' })
    await erase(gone)
    expect((await membersOf(bob, group)).map(({ userId }) => userId)).toEqual([bob])
    expect((await membersOf(bob, direct)).map(({ userId }) => userId).toSorted()).toEqual([gone, bob].toSorted())
    expect(await historyOf(bob, direct)).toMatchObject([{ text: '', deletedAt: expect.any(String) }])
    expect(codeOf(await world.send(gone, group))).toBe('not_a_member')
    const left = () => world.events.filter(({ subject }) => subject === `messaging.event.member-left.${group}`)
    await expect.poll(left, WAIT).toMatchObject([{ payload: { member: { userId: gone } } }])
  })

  test('what was said in a group before they left it, and came back, and left again, goes as well', async () => {
    const [gone, bob] = [newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(bob, [gone])
    const actor = actorOf(gone)
    await sent(gone, conversationId, { text: 'one' })
    must(await world.calls.leaveConversation({ actor, conversationId }))
    must(await world.calls.addMembers({ actor: actorOf(bob), conversationId, userIds: [gone] }))
    await sent(gone, conversationId, { text: 'two' })
    must(await world.calls.leaveConversation({ actor, conversationId }))
    expect(await erase(gone)).toMatchObject({ 'postgres.messages': 2 })
    expect((await historyOf(bob, conversationId)).map(({ text }) => text)).toEqual(['', ''])
  })

  test('the last owner gives a group to its longest-standing admin, else member, which is told before they leave', async () => {
    const [gone, bob, cid, dan] = [newUser(), newUser(), newUser(), newUser()]
    const { id: withAdmin } = await world.createGroup(gone, [bob])
    for (const userId of [cid, dan]) {
      const conversationId = withAdmin
      must(await world.calls.addMembers({ actor: actorOf(gone), conversationId, userIds: [userId] }))
      must(await world.calls.changeRole({ actor: actorOf(gone), conversationId, userId, role: 'admin' }))
    }
    const { id: withMembers } = await world.createGroup(gone, [bob])
    must(await world.calls.addMembers({ actor: actorOf(gone), conversationId: withMembers, userIds: [cid] }))
    const { id: alone } = await world.createGroup(gone)

    expect(await erase(gone)).toMatchObject({ 'postgres.owners': 2, 'postgres.memberships': 3 })
    const rolesOf = async (userId: string, conversationId: string) =>
      new Map((await membersOf(userId, conversationId)).map((member) => [member.userId, member.role]))
    expect(await rolesOf(bob, withAdmin)).toEqual(
      new Map([
        [bob, 'member'],
        [cid, 'owner'],
        [dan, 'admin'],
      ]),
    )
    expect(await rolesOf(cid, withMembers)).toEqual(
      new Map([
        [bob, 'owner'],
        [cid, 'member'],
      ]),
    )
    const { memberCount } = await world.db
      .selectFrom('conversations')
      .select('memberCount')
      .where('id', '=', alone)
      .executeTakeFirstOrThrow()
    expect(memberCount).toBe(0)
    const told = () =>
      world.events.filter(({ subject }) => /member-(changed|left)/.test(subject) && subject.endsWith(withMembers))
    await expect.poll(told, WAIT).toHaveLength(2)
    const [changed, left] = told().toSorted((a, b) => versionIn(a) - versionIn(b))
    expect(changed?.payload).toMatchObject({ member: { userId: bob, role: 'owner' } })
    expect(changed?.payload).not.toHaveProperty('changedBy')
    expect(left?.payload).toMatchObject({ member: { userId: gone } })
    expect(await audit(world.db)).toEqual([])
  })

  test('blocks by them and of them, settings, mutes and unread mentions go', async () => {
    const [gone, bob, cid] = [newUser(), newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(bob, [gone])
    must(await world.calls.blockUser({ actor: actorOf(gone), userId: cid }))
    must(await world.calls.blockUser({ actor: actorOf(cid), userId: gone }))
    must(await world.calls.blockUser({ actor: actorOf(bob), userId: cid }))
    must(await world.calls.updateSettings({ actor: actorOf(gone), privateRead: true }))
    const until = new Date(Date.now() + 3_600_000).toISOString()
    must(await world.calls.muteConversation({ actor: actorOf(gone), conversationId, until }))
    await sent(bob, conversationId, { mentions: [gone] })
    expect(await erase(gone)).toMatchObject({
      'postgres.blocks': 2,
      'postgres.settings': 1,
      'postgres.mutes': 1,
      'postgres.mentions': 1,
    })
    const { db } = world
    const blocks = await db
      .selectFrom('blocks')
      .select(['userId', 'blockedId'])
      .where('blockedId', 'in', [gone, cid])
      .execute()
    expect(blocks).toEqual([{ userId: bob, blockedId: cid }])
    for (const column of ['userId', 'blockedId'] as const) {
      expect(await db.selectFrom('blockChanges').select(column).where(column, '=', gone).execute()).toEqual([])
    }
    expect(await db.selectFrom('unreadMentions').selectAll().where('userId', '=', gone).execute()).toEqual([])
    const members = await db.selectFrom('members').select('mutedUntil').where('userId', '=', gone).execute()
    expect(members).toEqual([{ mutedUntil: null }])
    expect(must(await world.calls.getSettings({ actor: actorOf(gone) }))).toEqual({ privateRead: false })
  })

  test('events that tell what they said or did are gone, and those that tell its end and those of others stay', async () => {
    const [gone, bob] = [newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(bob, [gone])
    const own = await sent(gone, conversationId, { text: 'in the stream' })
    const other = await sent(bob, conversationId, { text: 'of bob' })
    await react(gone, conversationId, other.id, '👍')
    const mark = { actor: actorOf(gone), conversationId, deliveredSequence: 2, readSequence: 2 }
    must(await world.calls.markReceipts({ marks: [mark] }))
    await allTold()
    expect(await eventsOf(conversationId, isEventOf(gone))).not.toEqual([])

    const counts = await erase(gone)
    expect(counts['jetstream.events']).toBeGreaterThanOrEqual(3)
    await allTold()
    expect(await eventsOf(conversationId, isEventOf(gone))).toEqual([])
    expect(await eventsOf(conversationId, (payload) => JSON.stringify(payload).includes('in the stream'))).toEqual([])
    const isTombstone = (payload: object) => JSON.stringify(payload).includes(own.id)
    expect(await eventsOf(conversationId, isTombstone)).toHaveLength(1)
    expect(await eventsOf(conversationId, (payload) => JSON.stringify(payload).includes('of bob'))).not.toEqual([])
    expect(await eventsOf(conversationId, (_, subject) => subject.includes('member-left'))).toHaveLength(1)
  })

  test('what a hold covers is copied with its edits and reactions, its files are not told, and it is counted', async () => {
    const [gone, bob] = [newUser(), newUser()]
    const { id: held } = await world.createGroup(bob, [gone])
    const { id: free } = await world.createGroup(bob, [gone])
    const [heldUpload, freeUpload] = [v4(), v4()]
    const message = await sent(gone, held, { text: 'evidence', attachments: [heldUpload] })
    await react(bob, held, message.id, '👀')
    await sent(gone, free, { attachments: [freeUpload] })
    const holdId = randomUUID()
    must(await world.calls.applyHolds({ placed: [{ id: holdId, userId: null, conversationId: held }], released: [] }))

    expect(await erase(gone)).toMatchObject({ 'postgres.messages': 2, 'held.messages': 1 })
    expect(await historyOf(bob, held)).toMatchObject([{ text: '', attachments: [], deletedAt: expect.any(String) }])
    const copies = await world.db.selectFrom('heldMessages').selectAll().where('senderId', '=', gone).execute()
    expect(copies).toMatchObject([
      {
        id: message.id,
        reason: 'erased',
        uploadIds: [heldUpload],
        content: { message: { text: 'evidence' }, reactions: [{ emoji: '👀', userId: bob }] },
      },
    ])
    await allTold()
    const removed = world.events.filter(({ subject }) => subject.includes('attachments-removed'))
    expect(removed.flatMap(({ payload }) => (payload as { uploadIds: string[] }).uploadIds)).toContain(freeUpload)
    expect(removed.flatMap(({ payload }) => (payload as { uploadIds: string[] }).uploadIds)).not.toContain(heldUpload)
    must(await world.calls.applyHolds({ placed: [], released: [holdId] }))
  })

  test('a message that has expired and is not swept yet is erased as well', async () => {
    const [gone, bob] = [newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(bob, [gone])
    const { id, createdAt: sentAt } = await sent(gone, conversationId, { text: 'long ago' })
    const moveTo = (createdAt: Date) =>
      world.db.updateTable('messages').set({ createdAt }).where('id', '=', id).execute()
    await moveTo(new Date(Date.now() - 400 * 24 * 60 * 60 * 1_000))
    expect(await historyOf(bob, conversationId)).toEqual([])
    expect(await erase(gone)).toMatchObject({ 'postgres.messages': 1 })
    await moveTo(new Date(sentAt))
    expect(await historyOf(bob, conversationId)).toMatchObject([{ text: '', deletedAt: expect.any(String) }])
  })
})

test('a user of whom nothing is kept is done at once', async () => {
  const answer = must(await world.calls.eraseUser({ userId: newUser(), cursor: null }))
  expect(answer).toEqual({ counts: {}, cursor: null, outcome: 'done' })
})

test('again it changes nothing, and what was sent meanwhile is found by the next time', async () => {
  const [gone, bob] = [newUser(), newUser()]
  const direct = await directOf(gone, bob)
  await sent(gone, direct)
  const other = await sent(bob, direct)
  await erase(gone)
  const versionOf = async () =>
    must(await world.calls.getConversation({ actor: actorOf(bob), conversationId: direct })).version
  const version = await versionOf()
  expect(must(await world.calls.eraseUser({ userId: gone, cursor: null })).outcome).toBe('done')
  expect(await versionOf()).toBe(version)

  await sent(gone, direct, { text: 'in flight' })
  await react(gone, direct, other.id, '🙈')
  expect(await erase(gone)).toMatchObject({ 'postgres.messages': 1, 'postgres.reactions': 1 })
  const history = await historyOf(bob, direct)
  expect(history.map(({ text }) => text)).toEqual(['', 'hello', ''])
  expect(history[1]?.reactions).toEqual([])
})

test('a cursor that cannot be read begins anew', async () => {
  const [gone, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(bob, [gone])
  await sent(gone, conversationId)
  const answer = must(await world.calls.eraseUser({ userId: gone, cursor: 'what is this' }))
  expect(answer.counts).toMatchObject({ 'postgres.messages': 1 })
})

test('two instances at once make each tombstone once, and no version is left out', async () => {
  const [gone, bob] = [newUser(), newUser()]
  const groups = await Promise.all([1, 2, 3].map(() => world.createGroup(gone, [bob])))
  for (const { id } of groups) for (let index = 0; index < 60; index++) await sent(gone, id)
  const versions = new Map(groups.map(({ id }) => [id, 1 + 60]))
  const counts = await Promise.all([erase(gone), erase(gone), erase(gone)])
  expect(counts.reduce((sum, one) => sum + (one['postgres.messages'] ?? 0), 0)).toBe(180)
  for (const { id } of groups) {
    const history = must(
      await world.calls.getMessages({ actor: actorOf(bob), conversationId: id, limit: 100 }),
    ).messages
    expect(history.every(({ deletedAt }) => deletedAt !== null)).toBe(true)
    // A new owner, and the end of a membership.
    const conversation = must(await world.calls.getConversation({ actor: actorOf(bob), conversationId: id }))
    expect(conversation.version).toBe(versions.get(id)! + 60 + 2)
    expect(await membersOf(bob, id)).toMatchObject([{ userId: bob, role: 'owner' }])
  }
  expect(await audit(world.db)).toEqual([])
})

test('while others write, nothing of the user is passed over', async () => {
  const [gone, bob] = [newUser(), newUser()]
  const direct = await directOf(gone, bob)
  const ids: string[] = []
  for (let index = 0; index < 80; index++) ids.push((await sent(gone, direct)).id)
  let isOver = false
  const writing = (async () => {
    while (!isOver) {
      const { id: messageId } = await sent(bob, direct, { text: 'still here' })
      // The user is not signed out everywhere yet.
      await react(gone, direct, messageId, '👍')
      ids.push((await sent(gone, direct, { id: v7() })).id)
    }
  })()
  for (let part = 0; part < 5; part++) must(await world.calls.eraseUser({ userId: gone, cursor: null }))
  isOver = true
  await writing
  await erase(gone)
  const rows = await world.db
    .selectFrom('messages')
    .select(['text', 'senderId'])
    .where('conversationId', '=', direct)
    .execute()
  expect(rows.filter(({ senderId }) => senderId === gone)).toEqual(ids.map(() => ({ text: '', senderId: gone })))
  expect(rows.filter(({ senderId }) => senderId === bob).every(({ text }) => text === 'still here')).toBe(true)
  expect(await world.db.selectFrom('reactions').select('userId').where('userId', '=', gone).execute()).toEqual([])
  expect(await audit(world.db)).toEqual([])
})

test('when the database goes away after a commit that nobody heard of, the next time goes on without a gap', async () => {
  const { databaseUrl } = world
  await using proxy = await cuttingProxy(databaseUrl)
  await using own = await openWorld({ instances: 0, databaseUrl, withAuth: true })
  await own.startInstance({ POSTGRES_URL: proxy.url })
  const [gone, bob] = [newUser(), newUser()]
  const { id: conversationId } = await own.createGroup(bob, [gone])
  const client = new SyncClient(bob)
  for (let index = 0; index < 120; index++) messageOf(await own.send(gone, conversationId))
  await client.catchUp(own.db, retention)
  for (const query of ['commit', 'insert into "erasures"', 'delete from "reactions"', 'commit']) {
    proxy.cutNextReplyTo(query)
    const answer = await own.calls.eraseUser({ userId: gone, cursor: null })
    if (!answer.ok) expect(refusalOf(answer)).toBe('unavailable')
  }
  expect(proxy.cuts).toBeGreaterThanOrEqual(2)
  await eraseThrough(own.calls, gone)
  await client.catchUp(own.db, retention)
  const kept = client.kept.get(conversationId)!
  expect([...kept.messages.values()].every(({ deletedAt }) => deletedAt !== null)).toBe(true)
  expect(kept.messages.size).toBe(120)
  expect(kept.version).toBe(1 + 120 + 120 + 1)
  expect(await audit(own.db)).toEqual([])
})

test('what is asked for twice within one group of messages is done once', async () => {
  const [gone, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(bob, [gone])
  const message = await sent(gone, conversationId)
  const asked = { conversationId, userId: gone, ids: [message.id] }
  const erased = await Promise.all([1, 2, 3, 4].map(() => eraseMessages(world.db, asked)))
  expect(erased.reduce((sum, { messages }) => sum + messages, 0)).toBe(1)
})

const versionIn = ({ payload }: { payload: unknown }): number => (payload as { version: number }).version
