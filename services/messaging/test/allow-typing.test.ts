import { must } from '@parley/bus'
import { limits } from '@parley/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actorOf, newUser, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

async function outcomeOf(userId: string, conversationId: string): Promise<string> {
  const answer = await world.calls.allowTyping({ actor: actorOf(userId), conversationId })
  if (!answer.ok) return answer.refusal.code
  return answer.value.isTold ? 'allowed' : 'not told'
}

test('members may be seen typing, but nobody who has left or never was one, and nobody where there is no conversation', async () => {
  const [alice, bob, stranger] = [newUser(), newUser(), newUser()]
  const { id } = await world.createGroup(alice, [bob])
  expect(await outcomeOf(bob, id)).toBe('allowed')
  must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId: id }))
  expect(await outcomeOf(bob, id)).toBe('not_a_member')
  expect(await outcomeOf(stranger, id)).toBe('not_a_member')
  expect(await outcomeOf(alice, crypto.randomUUID())).toBe('not_a_member')
})

test('in a channel, only those are seen typing who may write there', async () => {
  const [owner, reader] = [newUser(), newUser()]
  const request = { actor: actorOf(owner), kind: 'channel' as const, title: 'News', memberIds: [reader] }
  const { id } = must(await world.calls.createConversation(request))
  expect(await outcomeOf(owner, id)).toBe('allowed')
  expect(await outcomeOf(reader, id)).toBe('forbidden')
})

test('in an archived conversation nobody is seen typing, until it is opened again', async () => {
  const alice = newUser()
  const { id } = await world.createGroup(alice)
  const archive = async (archived: boolean) =>
    must(await world.calls.updateConversation({ actor: actorOf(alice), conversationId: id, archived }))
  await archive(true)
  expect(await outcomeOf(alice, id)).toBe('conversation_archived')
  await archive(false)
  expect(await outcomeOf(alice, id)).toBe('allowed')
})

test('it is offered to as many members as its limit says and not to one more, and the conversation says so', async () => {
  const alice = newUser()
  const { id } = await world.createGroup(alice)
  const add = async (count: number) => {
    const userIds = Array.from({ length: count }, newUser)
    must(await world.calls.addMembers({ actor: actorOf(alice), conversationId: id, userIds }))
  }
  const isOffered = async () => {
    const { capabilities } = must(await world.calls.getConversation({ actor: actorOf(alice), conversationId: id }))
    return capabilities.typing
  }
  await add(limits.usersPerRequest)
  await add(limits.typingMembers - 1 - limits.usersPerRequest)
  expect([await outcomeOf(alice, id), await isOffered()]).toEqual(['allowed', true])
  await add(1)
  expect([await outcomeOf(alice, id), await isOffered()]).toEqual(['typing_not_offered', false])
})
