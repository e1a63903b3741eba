import { must } from '@parley/bus'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { audit } from './audit.ts'
import { actorOf, codeOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld({ instances: 2 })))
afterAll(() => world[Symbol.asyncDispose]())

const add = (actorId: string, conversationId: string, ...userIds: string[]) =>
  world.calls.addMembers({ actor: actorOf(actorId), conversationId, userIds })
const remove = (actorId: string, conversationId: string, userId: string) =>
  world.calls.removeMember({ actor: actorOf(actorId), conversationId, userId })
const leave = (userId: string, conversationId: string) =>
  world.calls.leaveConversation({ actor: actorOf(userId), conversationId })
const membersOf = async (userId: string, conversationId: string) =>
  must(await world.calls.listMembers({ actor: actorOf(userId), conversationId })).members.map((member) => member.userId)
const setRole = async (actorId: string, conversationId: string, userId: string, role: 'owner' | 'admin') =>
  must(await world.calls.changeRole({ actor: actorOf(actorId), conversationId, userId, role }))

test('each addition is a version of its own, and who is a member already stays', async () => {
  const [alice, bob, carol, dave] = [newUser(), newUser(), newUser(), newUser()]
  const { id } = await world.createGroup(alice, [bob])
  const { members } = must(await add(alice, id, carol, bob, dave, carol))
  expect(new Set(members.map(({ userId }) => userId))).toEqual(new Set([bob, carol, dave]))
  const conversation = must(await world.calls.getConversation({ actor: actorOf(alice), conversationId: id }))
  expect(conversation).toMatchObject({ version: 3, memberCount: 4 })
  must(await add(alice, id, carol, dave))
  expect(must(await world.calls.readVersions({ topics: [`c:${id}`, `u:${dave}`] })).versions).toEqual([3, 1])
  expect((await membersOf(alice, id)).slice(2)).toEqual([carol, dave])
})

test('owners and admins add, members do not, and only users that exist can be added', async () => {
  const [alice, bob, carol, nobody] = [newUser(), newUser(), newUser(), newUser()]
  world.unknownUsers.add(nobody)
  const { id } = await world.createGroup(alice, [bob])
  expect(refusalOf(await add(bob, id, carol))).toBe('forbidden')
  expect(refusalOf(await add(alice, id, nobody))).toBe('user_not_found')
  await setRole(alice, id, bob, 'admin')
  must(await add(bob, id, carol))
  expect(await membersOf(carol, id)).toContain(carol)
})

test('a member who left finds nothing any more, and comes back to what is said from then on', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  await world.send(alice, conversationId, { text: 'one' })
  must(await leave(bob, conversationId))
  await world.send(alice, conversationId, { text: 'two' })
  const actor = actorOf(bob)
  expect(refusalOf(await world.calls.getMessages({ actor, conversationId }))).toBe('not_a_member')
  expect(refusalOf(await world.calls.getConversation({ actor, conversationId }))).toBe('not_a_member')
  expect(refusalOf(await world.calls.listMembers({ actor, conversationId }))).toBe('not_a_member')
  expect(refusalOf(await leave(bob, conversationId))).toBe('not_a_member')
  expect(codeOf(await world.send(bob, conversationId))).toBe('not_a_member')
  expect(must(await world.calls.listConversations({ actor })).conversations).toEqual([])
  expect(await membersOf(alice, conversationId)).toEqual([alice])

  must(await add(alice, conversationId, bob))
  messageOf(await world.send(alice, conversationId, { text: 'three' }))
  const { messages } = must(await world.calls.getMessages({ actor, conversationId }))
  expect(messages.map(({ text }) => text)).toEqual(['three'])
  const conversation = must(await world.calls.getConversation({ actor, conversationId }))
  expect(conversation).toMatchObject({ version: 6, memberCount: 2, me: { joinedSequence: 2, unreadCount: 1 } })
  expect(await audit(world.db)).toEqual([])
})

test('owners remove anyone, admins remove members, members remove nobody but themselves', async () => {
  const [owner, admin, otherAdmin, member, other] = [newUser(), newUser(), newUser(), newUser(), newUser()]
  const { id } = await world.createGroup(owner, [admin, otherAdmin, member, other])
  await setRole(owner, id, admin, 'admin')
  await setRole(owner, id, otherAdmin, 'admin')
  expect(refusalOf(await remove(member, id, other))).toBe('forbidden')
  expect(refusalOf(await remove(member, id, owner))).toBe('forbidden')
  expect(refusalOf(await remove(admin, id, otherAdmin))).toBe('forbidden')
  expect(refusalOf(await remove(admin, id, owner))).toBe('forbidden')
  must(await remove(admin, id, other))
  expect(refusalOf(await remove(admin, id, other))).toBe('user_not_found')
  must(await remove(owner, id, otherAdmin))
  must(await remove(member, id, member))
  expect(await membersOf(owner, id)).toEqual([owner, admin].toSorted())
})

test('the last owner leaves only as the last member', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const { id } = await world.createGroup(alice, [bob])
  expect(refusalOf(await leave(alice, id))).toBe('last_owner')
  expect(refusalOf(await remove(alice, id, alice))).toBe('last_owner')
  await setRole(alice, id, bob, 'owner')
  must(await leave(alice, id))
  must(await leave(bob, id))
  expect(must(await world.calls.readVersions({ topics: [`c:${id}`] })).versions).toEqual([4])
})

test('when the last two owners leave at once, one of them stays', async () => {
  for (let round = 0; round < 5; round++) {
    const [alice, bob, carol] = [newUser(), newUser(), newUser()]
    const { id } = await world.createGroup(alice, [bob, carol])
    await setRole(alice, id, bob, 'owner')
    const answers = await Promise.all([leave(alice, id), leave(bob, id)])
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
    expect(answers.filter(({ ok }) => !ok).map(refusalOf)).toEqual(['last_owner'])
  }
})

test('a direct conversation keeps its two members', async () => {
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const request = { actor: actorOf(alice), kind: 'direct' as const, memberIds: [bob] }
  const { id } = must(await world.calls.createConversation(request))
  expect(refusalOf(await leave(alice, id))).toBe('forbidden')
  expect(refusalOf(await add(alice, id, carol))).toBe('forbidden')
  expect(refusalOf(await remove(alice, id, bob))).toBe('forbidden')
  expect(await membersOf(bob, id)).toHaveLength(2)
})

test('a group has at most 1,000 members, also when many are added at once', async () => {
  const alice = newUser()
  const { id } = await world.createGroup(alice)
  const hundreds = Array.from({ length: 12 }, () => Array.from({ length: 90 }, newUser))
  const answers = await Promise.all(hundreds.map((userIds) => add(alice, id, ...userIds)))
  expect(answers.filter(({ ok }) => ok)).toHaveLength(11)
  expect(answers.filter(({ ok }) => !ok).map(refusalOf)).toEqual(['too_many_members'])
  const found = new Set<string>()
  let cursor: string | undefined
  do {
    const page = { actor: actorOf(alice), conversationId: id, limit: 100, ...(cursor === undefined ? {} : { cursor }) }
    const { members, nextCursor } = must(await world.calls.listMembers(page))
    for (const { userId } of members) found.add(userId)
    cursor = nextCursor ?? undefined
  } while (cursor !== undefined)
  expect(found.size).toBe(991)
  expect(await audit(world.db)).toEqual([])
})

test('the same users added to many groups, by many at once, neither deadlock nor miss a version', async () => {
  const owners = Array.from({ length: 6 }, newUser)
  const users = Array.from({ length: 6 }, newUser)
  const groups = await Promise.all(owners.map((owner) => world.createGroup(owner)))
  await Promise.all(
    groups.flatMap(({ id }, index) => [
      add(owners[index]!, id, ...users).then(must),
      add(owners[index]!, id, ...users.toReversed()).then(must),
    ]),
  )
  const { versions } = must(await world.calls.readVersions({ topics: users.map((user) => `u:${user}`) }))
  expect(versions).toEqual(Array(users.length).fill(groups.length))
  await Promise.all(groups.flatMap(({ id }, index) => users.map((user) => remove(owners[index]!, id, user).then(must))))
  const after = must(await world.calls.readVersions({ topics: users.map((user) => `u:${user}`) }))
  expect(after.versions).toEqual(Array(users.length).fill(2 * groups.length))
  expect(await audit(world.db)).toEqual([])
})
