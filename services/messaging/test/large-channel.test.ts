import { must } from '@parley/bus'
import { conversationTopic, userTopic } from '@parley/contracts'
import type { Conversation } from '@parley/protocol'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { actorOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'
import { seat } from './written.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

const WAIT = { timeout: 15_000, interval: 20 }

const newUsers = (count: number) => Array.from({ length: count }, newUser)
const add = (actorId: string, conversationId: string, userIds: string[]) =>
  world.calls.addMembers({ actor: actorOf(actorId), conversationId, userIds })
const createChannel = async (ownerId: string, memberIds: string[] = []) =>
  must(await world.calls.createConversation({ actor: actorOf(ownerId), kind: 'channel', memberIds })).id

/** Each version once: on a busy machine some are told twice. */
const toldTo = (topic: string) => {
  const told = world.deliveries
    .filter((delivery) => delivery.topic === topic)
    .map(({ argument, topic: _topic, ...rest }) => ({
      ...rest,
      argument: JSON.parse(new TextDecoder().decode(argument)) as Conversation,
    }))
  return [...new Map(told.map((one) => [one.version, one])).values()].toSorted((a, b) => a.version - b.version)
}

test('a channel above 1,000 members tells all of each addition at once, and each who was added of the channel', async () => {
  const alice = newUser()
  const id = await createChannel(alice)
  const hundreds = Array.from({ length: 12 }, () => newUsers(100))
  for (const userIds of hundreds) must(await add(alice, id, userIds))
  const topic = conversationTopic(id)
  await vi.waitFor(() => expect(toldTo(topic)).toHaveLength(903), WAIT)

  // Up to 1,000 members, the creator among them, each is told of; beyond, one update stands for the hundred.
  const told = toldTo(topic)
  expect(told.slice(0, 900).every(({ event }) => event === 'MemberJoined')).toBe(true)
  expect(told.slice(900)).toMatchObject(
    [1_001, 1_101, 1_201].map((version) => ({
      event: 'ConversationUpdated',
      version,
      afterVersion: version - 100,
      argument: { version, memberCount: version },
    })),
  )
  expect(told.slice(900).some(({ argument }) => 'me' in argument)).toBe(false)
  const joined = hundreds.flat()
  await vi.waitFor(() => {
    const added = new Map(
      world.deliveries
        .filter(({ event }) => event === 'ConversationAdded')
        .map(({ topic: of, membership }) => [of, membership]),
    )
    expect(joined.map((userId) => added.get(userTopic(userId)))).toEqual(
      joined.map((_, index) => ({
        conversationId: id,
        joinedVersion: 2 + index,
        leftVersion: null,
        visibleFromSequence: 1,
      })),
    )
  }, WAIT)
  const { changes } = must(await world.calls.listChanges({ topic, afterVersion: 1_101 }))
  expect(changes).toMatchObject([{ event: 'ConversationUpdated', version: 1_201, afterVersion: 1_101 }])

  // One by one the same: the number for all, and what is theirs for the one concerned.
  const [first, second] = joined as [string, string]
  const actor = actorOf(alice)
  must(await world.calls.changeRole({ actor, conversationId: id, userId: first, role: 'admin' }))
  must(await world.calls.removeMember({ actor, conversationId: id, userId: second }))
  await vi.waitFor(() => expect(toldTo(topic)).toHaveLength(905), WAIT)
  expect(toldTo(topic).slice(903)).toMatchObject([
    { event: 'ConversationUpdated', version: 1_202, argument: { memberCount: 1_201 } },
    { event: 'ConversationUpdated', version: 1_203, left: second, argument: { memberCount: 1_200 } },
  ])
  await vi.waitFor(() => expect(toldTo(userTopic(first))[1]?.argument.me?.role).toBe('admin'), WAIT)
  await vi.waitFor(() => expect(toldTo(userTopic(second))[1]?.event).toBe('ConversationRemoved'), WAIT)
})

test('in a channel of 100,000 no change looks at all members', { timeout: 60_000 }, async () => {
  await using world = await openWorld()
  const [alice, bob] = [newUser(), newUser()]
  const actor = actorOf(alice)
  const { id } = must(await world.calls.createConversation({ actor, kind: 'channel', memberIds: [bob] }))
  const own = { actor, conversationId: id }
  await seat(world.db, id, 99_900)
  await sql`analyze members`.execute(world.db)
  expect(refusalOf(await world.calls.addMembers({ ...own, userIds: newUsers(99) }))).toBe('too_many_members')
  expect(must(await world.calls.addMembers({ ...own, userIds: newUsers(98) })).members).toHaveLength(98)
  must(await world.calls.changeRole({ ...own, userId: bob, role: 'owner' }))
  must(await world.calls.changeRole({ ...own, userId: alice, role: 'admin' }))
  messageOf(await world.send(alice, id))
  must(await world.calls.leaveConversation(own))
  const page = { actor: actorOf(bob), conversationId: id, limit: 100 }
  const { nextCursor } = must(await world.calls.listMembers(page))
  expect(must(await world.calls.listMembers({ ...page, cursor: nextCursor! })).members).toHaveLength(100)

  // Connections say what they have read when they end.
  await world.instances[0]![Symbol.asyncDispose]()
  await vi.waitFor(async () => {
    const { rows } = await sql`
      select from pg_stat_activity where datname = current_database() and application_name = 'messaging'`.execute(
      world.db,
    )
    expect(rows).toEqual([])
  }, WAIT)
  const { rows } = await sql<{ read: number }>`
    select seq_tup_read + idx_tup_fetch as read
    from pg_stat_user_tables where relid = 'members'::regclass`.execute(world.db)
  expect(rows[0]?.read).toBeGreaterThan(200)
  expect(rows[0]?.read).toBeLessThan(2_000)
})
