import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findOwnConversation, findOwnConversations, listOwnConversations } from '../src/store/own-conversations.ts'
import { newUser } from './world.ts'
import { begin, counting, edit, join, leave, markRead, mute, openDatabase, retention, say } from './written.ts'

let database: Awaited<ReturnType<typeof openDatabase>>
beforeAll(async () => void (database = await openDatabase()))
afterAll(() => database[Symbol.asyncDispose]())

const me = async (userId: string, conversationId: string) =>
  (await findOwnConversation(database.db, retention, { userId, conversationId }))!.me!

/** The conversation and its first messages, all of which are so old that they have expired. */
async function expire(conversationId: string, firstMessages: number): Promise<void> {
  const old = new Date(Date.now() - 366 * 24 * 60 * 60_000)
  const { db } = database
  await db.updateTable('conversations').set({ createdAt: old }).where('id', '=', conversationId).execute()
  await db
    .updateTable('messages')
    .set({ createdAt: old })
    .where('conversationId', '=', conversationId)
    .where('sequence', '<=', firstMessages)
    .execute()
  await sql`update conversations c set last_message_at = (select created_at from messages where id = c.last_message_id)
    where id = ${conversationId}`.execute(db)
}

test('unread are the messages since one has read, or joined, and one reads by writing', async () => {
  const { db } = database
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const id = await begin(db, [alice, bob])
  const said = await say(db, id, alice, Array(5).fill({}))
  expect(await me(alice, id)).toMatchObject({ unreadCount: 0, readSequence: 5 })
  expect(await me(bob, id)).toMatchObject({ unreadCount: 5 })
  await join(db, id, carol)
  await say(db, id, alice, [{}, {}])
  await edit(db, id, said[0]!, 'an edit is no message')
  expect(await me(bob, id)).toMatchObject({ unreadCount: 7 })
  expect(await me(carol, id)).toMatchObject({ unreadCount: 2, joinedSequence: 5 })
  await markRead(db, id, bob, 6)
  expect(await me(bob, id)).toMatchObject({ unreadCount: 1, readSequence: 6, deliveredSequence: 6 })
  await leave(db, id, bob)
  await say(db, id, alice, [{}, {}, {}])
  await join(db, id, bob)
  expect(await me(bob, id)).toMatchObject({ unreadCount: 0, joinedSequence: 10 })
})

test('mentions that are unread are counted, each message once, and gone when read', async () => {
  const { db } = database
  const [alice, bob] = [newUser(), newUser()]
  const id = await begin(db, [alice, bob])
  await say(db, id, alice, [{ mentions: [bob] }, {}, { mentions: [bob, alice] }, { mentions: [bob] }])
  expect(await me(bob, id)).toMatchObject({ unreadCount: 4, mentionCount: 3 })
  expect(await me(alice, id)).toMatchObject({ unreadCount: 0, mentionCount: 0 })
  await markRead(db, id, bob, 3)
  expect(await me(bob, id)).toMatchObject({ unreadCount: 1, mentionCount: 1 })
  await say(db, id, bob)
  expect(await me(bob, id)).toMatchObject({ unreadCount: 0, mentionCount: 0 })
})

test('what has expired is not unread and mentions nobody, wherever in a conversation that is', async () => {
  const { db } = database
  for (const expired of [0, 1, 6, 12, 13]) {
    const [alice, bob, carol] = [newUser(), newUser(), newUser()]
    const id = await begin(db, [alice, bob, carol])
    await say(db, id, alice, Array(13).fill({ mentions: [bob] }))
    await markRead(db, id, carol, 8)
    await expire(id, expired)
    expect(await me(bob, id)).toMatchObject({ unreadCount: 13 - expired, mentionCount: 13 - expired })
    expect(await me(carol, id)).toMatchObject({ unreadCount: Math.min(5, 13 - expired), mentionCount: 0 })
    // Also when the expired ones are gone.
    await db.deleteFrom('messages').where('conversationId', '=', id).where('sequence', '<=', expired).execute()
    expect(await me(bob, id)).toMatchObject({ unreadCount: 13 - expired, mentionCount: 13 - expired })
  }
})

test('muting, title, picture and archive are part of what a member sees', async () => {
  const { db } = database
  const [alice, bob] = [newUser(), newUser()]
  const id = await begin(db, [alice, bob], { kind: 'channel', historyVisibility: 'all' })
  const archivedAt = new Date()
  await db
    .updateTable('conversations')
    .set({ avatarUrl: 'https://example.org/a.png', archivedAt })
    .where('id', '=', id)
    .execute()
  await mute(db, id, bob)
  const [conversation] = await findOwnConversations(db, retention, { conversationIds: [id], userId: bob })
  expect(conversation).toMatchObject({
    kind: 'channel',
    historyVisibility: 'all',
    avatarUrl: 'https://example.org/a.png',
    archivedAt: archivedAt.toISOString(),
    me: { mutedUntil: expect.stringMatching(/Z$/) },
  })
  expect(await me(alice, id)).toMatchObject({ mutedUntil: null })
})

test('a page of a hundred conversations costs four queries, all with unread mentions and old messages', async () => {
  const [alice, bob] = [newUser(), newUser()]
  for (let index = 0; index < 100; index++) {
    const id = await begin(database.db, [alice, bob])
    await say(database.db, id, alice, [{ mentions: [bob] }, { mentions: [bob] }])
    await expire(id, 1)
  }
  const { db, queries } = counting(database.db)
  const page = await listOwnConversations(db, retention, { userId: bob, limit: 100 })
  expect(page).toHaveLength(100)
  for (const { conversation } of page) {
    expect(conversation).toMatchObject({ lastMessage: { sequence: 2 }, me: { unreadCount: 1, mentionCount: 1 } })
  }
  expect(queries()).toBe(4)
})
