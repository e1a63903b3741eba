import { must } from '@parley/bus'
import { userTopic, type Delivery } from '@parley/contracts'
import { writeOutbox } from '@parley/postgres'
import { v7 } from 'uuid'
import { expect, test, vi } from 'vitest'
import { sendOf } from '../src/domain/send.ts'
import { sendGroup } from '../src/store/send-group.ts'
import { actorOf, messageOf, newUser, openWorld, type World } from './world.ts'

const groupOptions = { skipBusy: true, lockTimeoutMs: 200, at: new Date() }
const WAIT = { timeout: 15_000, interval: 20 }

const argumentOf = (delivery: Delivery): unknown => JSON.parse(new TextDecoder().decode(delivery.argument))

/** In the order of their versions, in which a gateway puts them. */
const deliveriesTo = (world: World, topic: string) =>
  world.deliveries
    .filter((delivery) => delivery.topic === topic)
    .map((delivery) => ({ ...delivery, argument: argumentOf(delivery) }))
    .toSorted((a, b) => a.version - b.version)

const outboxOf = (world: World) => world.db.selectFrom('outbox').select('id').execute()

test('gateways and other services are told of a message at once, and the outbox is emptied', async () => {
  await using world = await openWorld()
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice, [bob])
  const { duplicate, ...message } = messageOf(
    await world.send(alice, conversationId, { text: 'שלום\n👋', mentions: [bob] }),
  )
  expect(duplicate).toBe(false)
  const topic = `c:${conversationId}`
  await vi.waitFor(() => expect(deliveriesTo(world, topic)).toHaveLength(1), { timeout: 2_500, interval: 20 })
  const told = { topic, version: 2, event: 'MessageCreated', sequence: 1, argument: message }
  expect(deliveriesTo(world, topic)).toEqual([told])
  const subject = `messaging.event.message-created.${conversationId}`
  await vi.waitFor(() => expect(world.events.map((event) => event.subject)).toContain(subject), WAIT)
  expect(world.events.find((event) => event.subject === subject)?.payload).toEqual({
    conversationId,
    version: 2,
    message,
  })
  await vi.waitFor(async () => expect(await outboxOf(world)).toEqual([]), WAIT)
})

test('members are told of who joins and leaves, and those who join and leave of their conversation', async () => {
  await using world = await openWorld()
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const created = await world.createGroup(alice, [bob])
  const { id: conversationId } = created
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [carol] }))
  must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId }))
  await vi.waitFor(() => expect(deliveriesTo(world, `c:${conversationId}`)).toHaveLength(2), WAIT)
  await vi.waitFor(() => expect(deliveriesTo(world, `u:${bob}`)).toHaveLength(2), WAIT)

  const joined = { conversationId, version: 2, member: { userId: carol, role: 'member', leftAt: null } }
  const left = { conversationId, version: 3, member: { userId: bob, role: 'member', leftAt: expect.any(String) } }
  expect(deliveriesTo(world, `c:${conversationId}`)).toMatchObject([
    { version: 2, event: 'MemberJoined', argument: joined },
    { version: 3, event: 'MemberLeft', argument: left, left: bob },
  ])
  expect(deliveriesTo(world, `u:${alice}`)).toEqual([
    {
      topic: userTopic(alice),
      version: 1,
      event: 'ConversationAdded',
      argument: created,
      membership: { conversationId, joinedVersion: 1, leftVersion: null, visibleFromSequence: 1 },
    },
  ])
  expect(deliveriesTo(world, `u:${carol}`)).toMatchObject([
    {
      version: 1,
      event: 'ConversationAdded',
      argument: { id: conversationId, version: 2, memberCount: 3, me: { role: 'member', unreadCount: 0 } },
      membership: { conversationId, joinedVersion: 2, leftVersion: null },
    },
  ])
  expect(deliveriesTo(world, `u:${bob}`)).toMatchObject([
    { version: 1, event: 'ConversationAdded' },
    {
      version: 2,
      event: 'ConversationRemoved',
      argument: { conversationId },
      membership: { conversationId, joinedVersion: 1, leftVersion: 3 },
    },
  ])
  // What is broadcast has no personal part.
  await vi.waitFor(() => expect(world.events).toHaveLength(3), WAIT)
  const { me, ...conversation } = created
  expect(me).toBeDefined()
  const versionOf = ({ payload }: (typeof world.events)[number]) => (payload as { version: number }).version
  const events = world.events.toSorted((a, b) => versionOf(a) - versionOf(b))
  expect(events[0]).toMatchObject({
    subject: `messaging.event.conversation-created.${conversationId}`,
    payload: {
      conversationId,
      version: 1,
      members: expect.arrayContaining([expect.objectContaining({ userId: alice })]),
    },
  })
  expect(events[0]?.payload).toHaveProperty('conversation', conversation)
  expect(events.slice(1)).toMatchObject([
    { subject: `messaging.event.member-joined.${conversationId}`, payload: joined },
    { subject: `messaging.event.member-left.${conversationId}`, payload: left },
  ])
})

test('live changes are the same as those that a gateway repairs a gap with', async () => {
  await using world = await openWorld()
  const [alice, bob] = [newUser(), newUser()]
  const { id: conversationId } = await world.createGroup(alice)
  await world.send(alice, conversationId)
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [bob] }))
  await world.send(alice, conversationId)
  const topic = `c:${conversationId}`
  await vi.waitFor(() => expect(deliveriesTo(world, topic)).toHaveLength(3), WAIT)
  const { changes } = must(await world.calls.listChanges({ topic, afterVersion: 0 }))
  expect(deliveriesTo(world, topic)).toEqual(changes.map((change) => ({ ...change, topic })))
})

test('what a crashed instance has committed and not told is told by another', async () => {
  await using world = await openWorld()
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  await vi.waitFor(async () => expect(await outboxOf(world)).toEqual([]), WAIT)
  // An instance that commits and dies.
  const sends = ['one', 'two'].map((text) => sendOf(alice, { conversationId, id: v7(), text }))
  expect(await sendGroup(world.db, sends, groupOptions)).toMatchObject({
    verdicts: [{ outcome: 'accepted' }, { outcome: 'accepted' }],
  })
  expect(await outboxOf(world)).toHaveLength(1)
  await vi.waitFor(() => expect(deliveriesTo(world, `c:${conversationId}`)).toHaveLength(2), WAIT)
  const { messages } = must(await world.calls.getMessages({ actor: actorOf(alice), conversationId }))
  expect(deliveriesTo(world, `c:${conversationId}`).map(({ argument }) => argument)).toEqual(messages)
  await vi.waitFor(async () => expect(await outboxOf(world)).toEqual([]), WAIT)
  expect(world.events.filter(({ subject }) => subject.includes('message-created'))).toHaveLength(2)
})

test('a change of a message that is told late, after a later one, is not told with the state of the later one', async () => {
  await using world = await openWorld()
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  const { id: messageId } = messageOf(await world.send(alice, conversationId))
  const edit = async (text: string) =>
    must(await world.calls.editMessage({ actor: actorOf(alice), conversationId, messageId, text }))
  const [first, second] = [await edit('once'), await edit('twice')]
  await vi.waitFor(async () => expect(await outboxOf(world)).toEqual([]), WAIT)
  // As an instance leaves it that committed the first edit and died.
  const kept = [{ kind: 'message-updated', version: first.version, id: messageId }] as const
  await world.db.transaction().execute((transaction) => writeOutbox(transaction, kept))
  await vi.waitFor(async () => expect(await outboxOf(world)).toEqual([]), WAIT)
  const told = deliveriesTo(world, `c:${conversationId}`).filter(({ event }) => event === 'MessageUpdated')
  for (const { version, argument } of told) expect(argument).toMatchObject({ version })
  expect(told.at(-1)).toMatchObject({ version: second.version })
})

test('with Redis away messages go on to every gateway, and messaging stays ready', async () => {
  await using world = await openWorld()
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  await world.redis.kill()
  await world.send(alice, conversationId)
  await vi.waitFor(() => expect(deliveriesTo(world, `c:${conversationId}`)).toHaveLength(1), WAIT)
  const { port } = world.instances[0]!
  expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200)
})

test('what is committed while NATS is away is told when it is back', async () => {
  await using world = await openWorld()
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  await vi.waitFor(async () => expect(await outboxOf(world)).toEqual([]), WAIT)
  await world.nats.kill()
  const { port } = world.instances[0]!
  await vi.waitFor(async () => expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(503), WAIT)
  const sends = [sendOf(alice, { conversationId, id: v7(), text: 'meanwhile' })]
  await sendGroup(world.db, sends, groupOptions)
  await world.nats.restart()
  await vi.waitFor(() => expect(deliveriesTo(world, `c:${conversationId}`)).toHaveLength(1), {
    ...WAIT,
    timeout: 25_000,
  })
  await vi.waitFor(async () => expect(await outboxOf(world)).toEqual([]), WAIT)
})

test('an instance that stops finishes what it has begun', async () => {
  await using world = await openWorld()
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  // What was told before all gateways can be known stays for the relay.
  await vi.waitFor(async () => expect(await outboxOf(world)).toEqual([]), WAIT)
  const sending = Promise.all(Array.from({ length: 20 }, () => world.send(alice, conversationId)))
  await vi.waitFor(async () => {
    const { versions } = must(await world.calls.readVersions({ topics: [`c:${conversationId}`] }))
    expect(versions[0]).toBeGreaterThan(1)
  })
  await world.instances[0]![Symbol.asyncDispose]()
  expect((await sending).map(messageOf)).toHaveLength(20)
  await vi.waitFor(() => expect(deliveriesTo(world, `c:${conversationId}`)).toHaveLength(20), WAIT)
  expect(await outboxOf(world)).toEqual([])
})
