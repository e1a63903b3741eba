import { must } from '@parley/bus'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { audit } from './audit.ts'
import { actorOf, codeOf, messageOf, newUser, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

const historyOf = async (userId: string, conversationId: string) =>
  must(await world.calls.getMessages({ actor: actorOf(userId), conversationId })).messages

test('a message is stored once, in its place, and is in the history as its sender got it', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  const id = v7()
  const text = 'שלום 👋🏽 你好\nline two \u0001'
  const sent = messageOf(await world.send(alice, conversationId, { id, text, mentions: [bob, bob] }))
  const { duplicate, ...message } = sent
  expect(duplicate).toBe(false)
  expect(message).toEqual({
    id,
    conversationId,
    sequence: 1,
    version: 2,
    senderId: alice,
    text,
    attachments: [],
    replyTo: null,
    mentions: [bob],
    reactions: [],
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    editedAt: null,
    deletedAt: null,
  })
  expect(await historyOf(bob, conversationId)).toEqual([message])
})

test('a text of 10,000 emoji goes through', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const text = '🧑‍🚀'.repeat(3_333)
  expect(messageOf(await world.send(alice, conversationId, { text })).text).toBe(text)
  expect((await historyOf(alice, conversationId))[0]?.text).toBe(text)
})

test('sends of one request keep their order, and one bad send never fails its neighbours', async () => {
  const [alice, bob, stranger] = [newUser(), newUser(), newUser()]
  const [one, two] = await Promise.all([world.createGroup(alice, [bob]), world.createGroup(bob)])
  const send = (userId: string, conversationId: string, text: string, more: object = {}) => ({
    actor: actorOf(userId),
    conversationId,
    id: v7(),
    text,
    ...more,
  })
  const sends = [
    send(alice, one.id, 'a'),
    send(stranger, one.id, 'not a member'),
    send(bob, one.id, 'b'),
    send(alice, v4(), 'nowhere'),
    send(bob, two.id, 'c', { replyTo: v7() }),
    send(bob, two.id, 'd', { mentions: [alice] }),
    send(alice, one.id, 'e'),
    send(bob, two.id, 'f'),
  ]
  const { results } = must(await world.calls.sendMessages({ sends }))
  expect(results.map(codeOf)).toEqual([
    'sent',
    'not_a_member',
    'sent',
    'not_a_member',
    'reply_not_found',
    'mention_not_a_member',
    'sent',
    'sent',
  ])
  expect((await historyOf(alice, one.id)).map(({ text, sequence }) => [text, sequence])).toEqual([
    ['a', 1],
    ['b', 2],
    ['e', 3],
  ])
  expect((await historyOf(bob, two.id)).map(({ text }) => text)).toEqual(['f'])
  expect(await audit(world.db)).toEqual([])
})

test('a retry gets the first result, and other content with the same id is refused', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  const elsewhere = await world.createGroup(alice, [bob])
  const first = messageOf(await world.send(alice, conversationId, { text: 'once', mentions: [bob] }))
  const { id } = first
  const retry = { id, text: 'once', mentions: [bob] }
  expect(await world.send(alice, conversationId, retry)).toEqual({ message: { ...first, duplicate: true } })
  expect(codeOf(await world.send(alice, conversationId, { ...retry, text: 'twice' }))).toBe('message_id_conflict')
  expect(codeOf(await world.send(alice, conversationId, { id, text: 'once' }))).toBe('message_id_conflict')
  expect(codeOf(await world.send(bob, conversationId, retry))).toBe('message_id_conflict')
  expect(codeOf(await world.send(alice, elsewhere.id, retry))).toBe('message_id_conflict')
  expect(await historyOf(alice, conversationId)).toHaveLength(1)
  expect(await historyOf(alice, elsewhere.id)).toHaveLength(0)
})

test('duplicates that have become too large for one answer do not fail their neighbours: a retry gets them', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const small = Array.from({ length: 30 }, () => ({
    actor: actorOf(alice),
    conversationId,
    id: v7(),
    text: 'small',
  }))
  must(await world.calls.sendMessages({ sends: small }))
  const text = '👋'.repeat(10_000)
  for (const { id: messageId } of small) {
    must(await world.calls.editMessage({ actor: actorOf(alice), conversationId, messageId, text }))
  }
  const neighbour = { actor: actorOf(alice), conversationId, id: v7(), text: 'new' }
  const { results } = must(await world.calls.sendMessages({ sends: [...small, neighbour] }))
  expect(results.map(codeOf)).toEqual([
    ...Array.from({ length: 30 }, () => expect.stringMatching(/^(sent|unavailable)$/)),
    'sent',
  ])
  expect(results.filter((result) => codeOf(result) === 'sent').length).toBeGreaterThan(5)
  const last = await world.send(alice, conversationId, small.at(-1)!)
  expect(messageOf(last)).toMatchObject({ text, duplicate: true })
})

test('a retry in the same request is a duplicate, and a message can reply to the one before it', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const question = { actor: actorOf(alice), conversationId, id: v7(), text: 'question' }
  const answer = { actor: actorOf(alice), conversationId, id: v7(), text: 'answer', replyTo: question.id }
  const { results } = must(await world.calls.sendMessages({ sends: [question, question, answer, question, answer] }))
  const messages = results.map(messageOf)
  expect(messages.map(({ sequence, duplicate }) => [sequence, duplicate])).toEqual([
    [1, false],
    [1, true],
    [2, false],
    [1, true],
    [2, true],
  ])
})

test('a retry is answered after its sender has left', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  const first = messageOf(await world.send(bob, conversationId, { text: 'bye' }))
  must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId }))
  const retry = { id: first.id, text: 'bye' }
  expect(await world.send(bob, conversationId, retry)).toEqual({ message: { ...first, duplicate: true } })
  expect(codeOf(await world.send(bob, conversationId, { text: 'once more' }))).toBe('not_a_member')
})

test('an id is accepted from 24 hours in the past to 2 minutes in the future; a retry whenever it comes', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const idAt = (offsetMs: number) => v7({ msecs: Date.now() + offsetMs })
  const day = 24 * 60 * 60_000
  for (const offsetMs of [-day + 5_000, 0, 115_000]) {
    expect(codeOf(await world.send(alice, conversationId, { id: idAt(offsetMs) }))).toBe('sent')
  }
  for (const offsetMs of [-day - 5_000, -400 * day, 125_000, 400 * day]) {
    const result = await world.send(alice, conversationId, { id: idAt(offsetMs) })
    expect(result).toMatchObject({
      refusal: { code: 'message_id_out_of_range', data: { serverTime: expect.any(String) } },
    })
  }
  expect(await historyOf(alice, conversationId)).toHaveLength(3)
  // As if it had been sent weeks ago.
  const old = v7({ msecs: Date.now() - 20 * day })
  const message = messageOf(await world.send(alice, conversationId, { text: 'old' }))
  await world.db.updateTable('messages').set({ id: old }).where('id', '=', message.id).execute()
  await world.db.updateTable('conversations').set({ lastMessageId: old }).where('id', '=', conversationId).execute()
  expect(messageOf(await world.send(alice, conversationId, { id: old, text: 'old' }))).toEqual({
    ...message,
    id: old,
    duplicate: true,
  })
})

test('only what the sender may see can be replied to, and only current members mentioned', async () => {
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [carol])
  const elsewhere = messageOf(await world.send(alice, (await world.createGroup(alice)).id))
  const early = messageOf(await world.send(alice, conversationId))
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [bob] }))
  const late = messageOf(await world.send(alice, conversationId))
  expect(codeOf(await world.send(alice, conversationId, { replyTo: early.id }))).toBe('sent')
  expect(codeOf(await world.send(bob, conversationId, { replyTo: early.id }))).toBe('reply_not_found')
  expect(codeOf(await world.send(bob, conversationId, { replyTo: elsewhere.id }))).toBe('reply_not_found')
  expect(messageOf(await world.send(bob, conversationId, { replyTo: late.id }))).toMatchObject({ replyTo: late.id })
  expect(codeOf(await world.send(bob, conversationId, { mentions: [alice, carol] }))).toBe('sent')
  must(await world.calls.removeMember({ actor: actorOf(alice), conversationId, userId: carol }))
  expect(codeOf(await world.send(bob, conversationId, { mentions: [alice, carol] }))).toBe('mention_not_a_member')
})

test('to send is to have read, and the others have one more unread', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  await world.send(bob, conversationId)
  await world.send(alice, conversationId)
  await world.send(bob, conversationId)
  const meOf = async (userId: string) =>
    must(await world.calls.getConversation({ actor: actorOf(userId), conversationId })).me
  expect(await meOf(alice)).toMatchObject({ readSequence: 2, deliveredSequence: 2, unreadCount: 1 })
  expect(await meOf(bob)).toMatchObject({ readSequence: 3, deliveredSequence: 3, unreadCount: 0 })
})

test('the times of a conversation never go back', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const ahead = new Date(Date.now() + 60_000)
  await world.db.updateTable('conversations').set({ lastMessageAt: ahead }).where('id', '=', conversationId).execute()
  expect(messageOf(await world.send(alice, conversationId)).createdAt).toBe(ahead.toISOString())
})
