import { must } from '@parley/bus'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actorOf, messageOf, newUser, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

const sees = async (userId: string, conversationId: string, messageId: string) =>
  must(await world.calls.seesMessage({ userId, conversationId, messageId })).sees
const say = async (userId: string, conversationId: string) => messageOf(await world.send(userId, conversationId)).id
const add = async (actorId: string, conversationId: string, userId: string) =>
  must(await world.calls.addMembers({ actor: actorOf(actorId), conversationId, userIds: [userId] }))

test('a message is seen by the members of its own conversation, and by nobody else', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id } = await world.createGroup(alice, [bob])
  const message = await say(alice, id)
  for (const userId of [alice, bob]) expect(await sees(userId, id, message)).toBe(true)
  expect(await sees(newUser(), id, message)).toBe(false)
  expect(await sees(alice, id, v7())).toBe(false)
  const { id: elsewhere } = await world.createGroup(alice)
  expect(await sees(alice, elsewhere, message)).toBe(false)
  expect(await sees(alice, newUser(), message)).toBe(false)
})

test('who joins sees what was said before only where all of it is shown', async () => {
  for (const historyVisibility of ['joined', 'all'] as const) {
    const [alice, bob] = [newUser(), newUser()]
    const { id } = must(
      await world.calls.createConversation({ actor: actorOf(alice), kind: 'group', memberIds: [], historyVisibility }),
    )
    const before = await say(alice, id)
    await add(alice, id, bob)
    expect(await sees(bob, id, before)).toBe(historyVisibility === 'all')
    expect(await sees(bob, id, await say(alice, id))).toBe(true)
  }
})

test('who leaves or is removed sees nothing any more, and after coming back what is said from then on', async () => {
  for (const how of ['leaves', 'is removed'] as const) {
    const [alice, bob] = [newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(alice, [bob])
    const message = await say(bob, conversationId)
    if (how === 'leaves') must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId }))
    else must(await world.calls.removeMember({ actor: actorOf(alice), conversationId, userId: bob }))
    expect(await sees(bob, conversationId, message)).toBe(false)
    expect(await sees(alice, conversationId, message)).toBe(true)
    await add(alice, conversationId, bob)
    expect(await sees(bob, conversationId, message)).toBe(false)
    expect(await sees(bob, conversationId, await say(alice, conversationId))).toBe(true)
  }
})

test('two of whom one has blocked the other still see what they said to each other', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const direct = { actor: actorOf(alice), kind: 'direct' as const, memberIds: [bob] }
  const { id } = must(await world.calls.createConversation(direct))
  const message = await say(alice, id)
  must(await world.calls.blockUser({ actor: actorOf(bob), userId: alice }))
  for (const userId of [alice, bob]) expect(await sees(userId, id, message)).toBe(true)
})

test('a message is seen until it is deleted, and until it is older than messages are kept', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const [deleted, old, kept] = [
    await say(alice, conversationId),
    await say(alice, conversationId),
    await say(alice, conversationId),
  ]
  for (const id of [deleted, old, kept]) expect(await sees(alice, conversationId, id)).toBe(true)
  must(await world.calls.deleteMessage({ actor: actorOf(alice), conversationId, messageId: deleted }))
  await sql`update messages set created_at = created_at - interval '366 days' where id = ${old}`.execute(world.db)
  expect(await sees(alice, conversationId, deleted)).toBe(false)
  expect(await sees(alice, conversationId, old)).toBe(false)
  expect(await sees(alice, conversationId, kept)).toBe(true)
})
