import { must } from '@parley/bus'
import { v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actorOf, codeOf, messageOf, newUser, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

async function talk(userId: string, conversationId: string, count: number, text = 'x'): Promise<void> {
  const sends = Array.from({ length: count }, () => ({ actor: actorOf(userId), conversationId, id: v7(), text }))
  must(await world.calls.sendMessages({ sends })).results.forEach(messageOf)
}

const sequencesOf = async (userId: string, conversationId: string, place: object = {}) => {
  const { messages } = must(await world.calls.getMessages({ actor: actorOf(userId), conversationId, ...place }))
  return messages.map(({ sequence }) => sequence)
}

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

test('history is read in ascending order: the newest, before or after a sequence', async () => {
  const alice = newUser()
  const { id } = await world.createGroup(alice)
  expect(await sequencesOf(alice, id)).toEqual([])
  await talk(alice, id, 120)
  expect(await sequencesOf(alice, id)).toEqual(from(71, 120))
  expect(await sequencesOf(alice, id, { limit: 100 })).toEqual(from(21, 120))
  expect(await sequencesOf(alice, id, { before: 71, limit: 3 })).toEqual([68, 69, 70])
  expect(await sequencesOf(alice, id, { before: 3 })).toEqual([1, 2])
  expect(await sequencesOf(alice, id, { before: 1 })).toEqual([])
  expect(await sequencesOf(alice, id, { after: 0, limit: 2 })).toEqual([1, 2])
  expect(await sequencesOf(alice, id, { after: 118 })).toEqual([119, 120])
  expect(await sequencesOf(alice, id, { after: 120 })).toEqual([])
  expect(await sequencesOf(alice, id, { after: 5_000 })).toEqual([])
})

test('a page of long messages ends early, and the next one goes on', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  for (let part = 0; part < 5; part++) await talk(alice, conversationId, 5, '語'.repeat(10_000))
  const page = must(await world.calls.getMessages({ actor: actorOf(alice), conversationId, limit: 100 }))
  expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(513 * 1024)
  const newest = page.messages.map(({ sequence }) => sequence)
  expect(newest).toEqual(from(newest[0]!, 25))
  const older = await sequencesOf(alice, conversationId, { before: newest[0], limit: 100 })
  expect(older).toEqual(from(1, newest[0]! - 1))
  const first = await sequencesOf(alice, conversationId, { after: 0, limit: 100 })
  expect(first).toEqual(from(1, first.length))
})

test('who joins sees what is said from then on, and not what was said before', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice)
  await talk(alice, conversationId, 3)
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [bob] }))
  await talk(alice, conversationId, 2)
  expect(await sequencesOf(bob, conversationId)).toEqual([4, 5])
  expect(await sequencesOf(bob, conversationId, { before: 5 })).toEqual([4])
  expect(await sequencesOf(bob, conversationId, { after: 0 })).toEqual([4, 5])
  expect(await sequencesOf(alice, conversationId)).toEqual(from(1, 5))
  const { me } = must(await world.calls.getConversation({ actor: actorOf(bob), conversationId }))
  expect(me).toMatchObject({ joinedSequence: 3, unreadCount: 2 })
})

test('expired messages are hidden from every read at once', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  const old = messageOf(await world.send(alice, conversationId, { text: 'old' }))
  const aYearAgo = new Date(Date.now() - 366 * 24 * 60 * 60_000)
  const age = { createdAt: aYearAgo }
  await world.db.updateTable('messages').set(age).where('id', '=', old.id).execute()
  await world.db
    .updateTable('conversations')
    .set({ lastMessageAt: aYearAgo })
    .where('id', '=', conversationId)
    .execute()
  expect(await sequencesOf(bob, conversationId)).toEqual([])
  const request = { actor: actorOf(bob), conversationId }
  expect(must(await world.calls.getConversation(request))).toMatchObject({ lastMessage: null, lastSequence: 1 })
  const [listed] = must(await world.calls.listConversations({ actor: actorOf(bob) })).conversations
  expect(listed).toMatchObject({ id: conversationId, lastMessage: null })
  const repaired = must(await world.calls.listChanges({ topic: `c:${conversationId}`, afterVersion: 0 }))
  expect(repaired).toEqual({ changes: [], to: 2, hasMore: false })
  expect(codeOf(await world.send(bob, conversationId, { replyTo: old.id }))).toBe('reply_not_found')
  // Its place stays taken, and the next one follows.
  expect(messageOf(await world.send(bob, conversationId)).sequence).toBe(2)
  expect(await sequencesOf(bob, conversationId)).toEqual([2])
})
