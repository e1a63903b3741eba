import { must } from '@parley/bus'
import { conversationTopic, userTopic } from '@parley/contracts'
import type { Role } from '@parley/protocol'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { audit } from './audit.ts'
import { actorOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld({ instances: 2 })))
afterAll(() => world[Symbol.asyncDispose]())

const WAIT = { timeout: 15_000, interval: 20 }

const changeRole = (actorId: string, conversationId: string, userId: string, role: Role) =>
  world.calls.changeRole({ actor: actorOf(actorId), conversationId, userId, role })
const versionsOf = async (...topics: string[]) => must(await world.calls.readVersions({ topics })).versions
const ownPartOf = async (userId: string, conversationId: string) =>
  must(await world.calls.getConversation({ actor: actorOf(userId), conversationId })).me

test('a change of role is told to all with its version, and to the member with their own part', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id } = await world.createGroup(alice, [bob])
  const member = must(await changeRole(alice, id, bob, 'admin'))
  expect(member).toMatchObject({ userId: bob, role: 'admin', leftAt: null })
  expect((await ownPartOf(bob, id))?.role).toBe('admin')
  expect(await versionsOf(`c:${id}`, `u:${bob}`, `u:${alice}`)).toEqual([2, 2, 1])

  const told = [{ version: 2, event: 'MemberChanged', argument: { conversationId: id, version: 2, member } }]
  const changesOf = async (topic: string) => must(await world.calls.listChanges({ topic, afterVersion: 1 })).changes
  const toldTo = (topic: string) =>
    world.deliveries
      .filter((delivery) => delivery.topic === topic && delivery.version > 1)
      .map(({ version, event, argument }) => ({
        version,
        event,
        argument: JSON.parse(new TextDecoder().decode(argument)) as unknown,
      }))
  await vi.waitFor(() => expect(toldTo(conversationTopic(id))).toEqual(told), WAIT)
  expect(await changesOf(conversationTopic(id))).toEqual(told)
  const personally = [{ version: 2, event: 'ConversationUpdated', argument: { id, version: 2, me: { role: 'admin' } } }]
  await vi.waitFor(() => expect(toldTo(userTopic(bob))).toMatchObject(personally), WAIT)
  expect(await changesOf(userTopic(bob))).toMatchObject(personally)
  const subject = `messaging.event.member-changed.${id}`
  await vi.waitFor(() => {
    const events = world.events.filter((event) => event.subject === subject)
    expect(events).toEqual([{ subject, payload: { conversationId: id, version: 2, member, changedBy: alice } }])
  }, WAIT)
})

test('the same role again changes nothing, so a retry is safe', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id } = await world.createGroup(alice, [bob])
  const first = must(await changeRole(alice, id, bob, 'admin'))
  expect(must(await changeRole(alice, id, bob, 'admin'))).toEqual(first)
  expect(must(await changeRole(alice, id, alice, 'owner')).role).toBe('owner')
  expect(await versionsOf(`c:${id}`, `u:${bob}`)).toEqual([2, 2])
})

test('a conversation is handed over by making another owner, and stepping down or leaving', async () => {
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const { id } = await world.createGroup(alice, [bob, carol])
  expect(refusalOf(await changeRole(alice, id, alice, 'member'))).toBe('last_owner')
  must(await changeRole(alice, id, bob, 'owner'))
  must(await changeRole(alice, id, alice, 'member'))
  expect(refusalOf(await changeRole(alice, id, carol, 'admin'))).toBe('forbidden')
  expect(refusalOf(await changeRole(bob, id, bob, 'admin'))).toBe('last_owner')
  must(await changeRole(bob, id, carol, 'owner'))
  must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId: id }))
  expect((await ownPartOf(carol, id))?.role).toBe('owner')
  expect(await audit(world.db)).toEqual([])
})

test('owners may take the role of one another, and the last member of all stays owner', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  must(await changeRole(alice, conversationId, bob, 'owner'))
  must(await changeRole(alice, conversationId, bob, 'member'))
  must(await world.calls.removeMember({ actor: actorOf(alice), conversationId, userId: bob }))
  expect(refusalOf(await changeRole(alice, conversationId, alice, 'admin'))).toBe('last_owner')
})

test('only a member can have a role, and who comes back is a member like everybody new', async () => {
  const [alice, bob, stranger] = [newUser(), newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  expect(refusalOf(await changeRole(alice, conversationId, stranger, 'admin'))).toBe('user_not_found')
  must(await changeRole(alice, conversationId, bob, 'admin'))
  must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId }))
  expect(refusalOf(await changeRole(alice, conversationId, bob, 'member'))).toBe('user_not_found')
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [bob] }))
  expect((await ownPartOf(bob, conversationId))?.role).toBe('member')
  expect(await audit(world.db)).toEqual([])
})
