import { must } from '@parley/bus'
import type { TopicChange } from '@parley/contracts'
import type { Conversation } from '@parley/protocol'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listMemberships } from '../src/store/memberships.ts'
import { actorOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

/** As a gateway repairs a gap. */
async function changesAfter(
  topic: string,
  version: number,
): Promise<{ changes: TopicChange[]; to: number; pages: number }> {
  const changes: TopicChange[] = []
  let pages = 0
  for (let hasMore = true; hasMore; pages++) {
    const page = must(await world.calls.listChanges({ topic, afterVersion: version }))
    expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(520 * 1024)
    changes.push(...page.changes)
    version = page.to
    hasMore = page.hasMore
  }
  return { changes, to: version, pages }
}

const told = ({ version, event, left }: TopicChange) => (left === undefined ? [version, event] : [version, event, left])

test('changes of a conversation come in order, each at its version, with the last one for who left', async () => {
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  const actor = actorOf(alice)
  const message = messageOf(await world.send(alice, conversationId))
  must(await world.calls.addMembers({ actor, conversationId, userIds: [carol] }))
  await world.send(carol, conversationId)
  must(await world.calls.removeMember({ actor, conversationId, userId: bob }))
  await world.send(alice, conversationId)
  must(await world.calls.addMembers({ actor, conversationId, userIds: [bob] }))
  must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId }))

  const { changes, to } = await changesAfter(`c:${conversationId}`, 0)
  expect(to).toBe(8)
  expect(changes.map(told)).toEqual([
    [2, 'MessageCreated'],
    [3, 'MemberJoined'],
    [4, 'MessageCreated'],
    [5, 'MemberLeft', bob],
    [6, 'MessageCreated'],
    [7, 'MemberJoined'],
    [8, 'MemberLeft', bob],
  ])
  const { duplicate, ...stored } = message
  expect(duplicate).toBe(false)
  expect(changes[0]?.argument).toEqual(stored)
  expect(changes[1]?.argument).toMatchObject({ conversationId, version: 3, member: { userId: carol, role: 'member' } })
  expect((await changesAfter(`c:${conversationId}`, 5)).changes.map(told)).toEqual(changes.slice(4).map(told))
  expect(await changesAfter(`c:${conversationId}`, 8)).toMatchObject({ changes: [], to: 8 })
})

test('a client that counts members along by what it is told, live or later, has their number', async () => {
  const [alice, bob, carol, dave] = [newUser(), newUser(), newUser(), newUser()]
  const actor = actorOf(alice)
  const { id: conversationId, memberCount } = await world.createGroup(alice, [bob])
  must(await world.calls.addMembers({ actor, conversationId, userIds: [carol, dave] }))
  must(await world.calls.updateConversation({ actor, conversationId, title: 'Renamed' }))
  must(await world.calls.removeMember({ actor, conversationId, userId: bob }))
  must(await world.calls.removeMember({ actor, conversationId, userId: carol }))

  const { changes } = await changesAfter(`c:${conversationId}`, 0)
  let counted = memberCount
  for (const { event, argument } of changes) {
    if (event === 'MemberJoined') counted += 1
    if (event === 'MemberLeft') counted -= 1
    if (event === 'ConversationUpdated') counted = (argument as Conversation).memberCount
  }
  expect(counted).toBe(2)
})

test('changes of a user are the conversations that became theirs, as they are now, and those that no longer are', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const first = await world.createGroup(alice, [bob])
  const second = await world.createGroup(alice, [bob])
  must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId: second.id }))
  await world.send(alice, second.id)
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId: second.id, userIds: [bob] }))
  await world.send(alice, second.id, { text: 'news' })
  must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId: first.id }))

  const { changes, to } = await changesAfter(`u:${bob}`, 0)
  expect(to).toBe(5)
  expect(changes.filter(({ version }) => version > 2)).toEqual([
    {
      version: 3,
      event: 'ConversationRemoved',
      argument: { conversationId: second.id },
      // What they could see before they came back and can not now is not theirs any more.
      membership: { conversationId: second.id, joinedVersion: 1, leftVersion: 2, visibleFromSequence: 2 },
    },
    {
      version: 4,
      event: 'ConversationAdded',
      argument: must(await world.calls.getConversation({ actor: actorOf(bob), conversationId: second.id })),
      membership: { conversationId: second.id, joinedVersion: 4, leftVersion: null, visibleFromSequence: 2 },
    },
    {
      version: 5,
      event: 'ConversationRemoved',
      argument: { conversationId: first.id },
      membership: { conversationId: first.id, joinedVersion: 1, leftVersion: 2, visibleFromSequence: 1 },
    },
  ])
  const added = changes.find(({ version }) => version === 4)?.argument
  expect(added).toMatchObject({ lastMessage: { text: 'news' }, me: { joinedSequence: 1, unreadCount: 1 } })
})

test('many and large changes come in bounded pages, all of them and once', async () => {
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const send = (text: string) => ({ actor: actorOf(alice), conversationId, id: v7(), text })
  for (let part = 0; part < 5; part++) {
    const sends = Array.from({ length: 10 }, () => send('語'.repeat(9_000)))
    must(await world.calls.sendMessages({ sends })).results.forEach(messageOf)
  }
  for (let part = 0; part < 4; part++) {
    const sends = Array.from({ length: 250 }, () => send('x'))
    must(await world.calls.sendMessages({ sends })).results.forEach(messageOf)
  }
  const { changes, to, pages } = await changesAfter(`c:${conversationId}`, 1)
  expect(changes.map(({ version }) => version)).toEqual(Array.from({ length: 1_050 }, (_, index) => index + 2))
  expect(to).toBe(1_051)
  expect(pages).toBeGreaterThanOrEqual(5)
})

test('versions of unknown topics are 0, and those of known ones come in the order asked', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const one = await world.createGroup(alice, [bob])
  const two = await world.createGroup(alice)
  await world.send(alice, two.id)
  const topics = [`u:${bob}`, `c:${two.id}`, `c:${v4()}`, `u:${alice}`, `u:${v4()}`, `c:${one.id}`, `c:${two.id}`]
  expect(must(await world.calls.readVersions({ topics })).versions).toEqual([1, 2, 0, 2, 0, 1, 2])
  for (const topic of [`c:${v4()}`, `u:${v4()}`]) {
    expect(await changesAfter(topic, 0)).toMatchObject({ changes: [], to: 0 })
  }
})

test('the memberships of many users come with the version that covers them', async () => {
  const [alice, bob, nobody] = [newUser(), newUser(), newUser()]
  const groups = [await world.createGroup(alice, [bob]), await world.createGroup(alice), await world.createGroup(alice)]
  const [left] = groups
  must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId: left!.id }))
  const { users, next } = must(await world.calls.listMemberships({ userIds: [alice, bob, nobody] }))
  expect(next).toBeNull()
  const byUser = new Map(users.map((user) => [user.userId, user]))
  const spans = groups.map(({ id }) => ({
    conversationId: id,
    joinedVersion: 1,
    leftVersion: null,
    visibleFromSequence: 1,
  }))
  expect(byUser.get(alice)).toEqual({
    userId: alice,
    membershipVersion: 3,
    memberships: spans.toSorted((a, b) => (a.conversationId < b.conversationId ? -1 : 1)),
    hasBlocked: false,
  })
  expect(byUser.get(bob)).toMatchObject({ membershipVersion: 2, memberships: [] })
  expect(byUser.get(nobody)).toMatchObject({ membershipVersion: 0, memberships: [] })
})

test('memberships beyond a page come with the next, each user at each place once', async () => {
  const users = Array.from({ length: 4 }, newUser).toSorted()
  const [first, second, third] = users as [string, string, string]
  for (let index = 0; index < 3; index++) await world.createGroup(first, [third])
  await world.createGroup(second)
  const seen: string[] = []
  let after: { userId: string; conversationId: string } | undefined
  for (let pages = 0; pages < 20; pages++) {
    const page = await listMemberships(world.db, { userIds: users, after, limit: 2 })
    for (const { userId, memberships } of page.users) {
      for (const { conversationId } of memberships) seen.push(`${userId} ${conversationId}`)
    }
    if (page.next === null) break
    after = page.next
  }
  expect(seen).toHaveLength(7)
  expect(new Set(seen).size).toBe(7)
})

test('a client asks what it has missed, and only cursors that were given out lead on', async () => {
  const [alice, bob] = [newUser(), newUser()]
  const group = await world.createGroup(alice, [bob])
  const first = must(await world.calls.sync({ actor: actorOf(bob), conversations: [] }))
  expect(first).toMatchObject({
    conversations: [{ conversation: { id: group.id, me: { role: 'member' } }, to: 1, reload: false }],
    removed: [],
    hasMore: false,
    nextCursor: null,
  })
  const message = messageOf(await world.send(alice, group.id))
  const asked = { actor: actorOf(bob), conversations: [{ id: group.id, version: 1 }], since: first.serverTime }
  const { duplicate, ...stored } = message
  expect(duplicate).toBe(false)
  expect(must(await world.calls.sync(asked)).conversations).toMatchObject([{ messages: [stored], to: 2 }])
  for (const cursor of ['nonsense', Buffer.from('["x","y"]').toString('base64url')]) {
    expect(refusalOf(await world.calls.sync({ ...asked, cursor }))).toBe('invalid_input')
  }
})
