import { must } from '@parley/bus'
import { conversationTopic, userTopic } from '@parley/contracts'
import type { Conversation } from '@parley/protocol'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { audit } from './audit.ts'
import { actorOf, codeOf, messageOf, newUser, openWorld, refusalOf, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld({ instances: 2 })))
afterAll(() => world[Symbol.asyncDispose]())

const WAIT = { timeout: 15_000, interval: 20 }

type Wanted = Partial<Pick<Conversation, 'title' | 'avatarUrl' | 'historyVisibility'>> & { archived?: boolean }

const update = (userId: string, conversationId: string, wanted: Wanted) =>
  world.calls.updateConversation({ actor: actorOf(userId), conversationId, ...wanted })
const mute = (userId: string, conversationId: string, until: string | null) =>
  world.calls.muteConversation({ actor: actorOf(userId), conversationId, until })
const seenBy = async (userId: string, conversationId: string) =>
  must(await world.calls.getConversation({ actor: actorOf(userId), conversationId }))
const addTo = (actorId: string, conversationId: string, userId: string) =>
  world.calls.addMembers({ actor: actorOf(actorId), conversationId, userIds: [userId] })

/** In the order of their versions, in which a gateway puts them. */
const toldTo = (topic: string) =>
  world.deliveries
    .filter((delivery) => delivery.topic === topic)
    .map(({ argument, topic: _topic, ...told }) => ({
      ...told,
      argument: JSON.parse(new TextDecoder().decode(argument)) as Conversation,
    }))
    .toSorted((a, b) => a.version - b.version)

const repairOf = async (topic: string, afterVersion: number) =>
  must(await world.calls.listChanges({ topic, afterVersion }))

describe('an update', () => {
  test('is answered as the caller sees it, and told to all with its version and without a personal part', async () => {
    const [alice, bob] = [newUser(), newUser()]
    const { id } = await world.createGroup(alice, [bob])
    messageOf(await world.send(bob, id, { text: 'first' }))
    const avatarUrl = 'https://example.org/lunch.png'
    const updated = must(await update(alice, id, { title: 'Lunch 🍜', avatarUrl }))
    expect(updated).toMatchObject({
      title: 'Lunch 🍜',
      avatarUrl,
      version: 3,
      lastMessage: { text: 'first' },
      me: { role: 'owner', unreadCount: 1 },
    })
    expect(await seenBy(bob, id)).toEqual({ ...updated, me: (await seenBy(bob, id)).me })

    const { me, ...forAll } = { ...updated, lastMessage: null }
    expect(me).toBeDefined()
    const told = { version: 3, event: 'ConversationUpdated', argument: forAll }
    await vi.waitFor(() => expect(toldTo(conversationTopic(id)).slice(1)).toEqual([told]), WAIT)
    expect((await repairOf(conversationTopic(id), 2)).changes).toEqual([told])
    const subject = `messaging.event.conversation-updated.${id}`
    await vi.waitFor(() => {
      const { payload } = world.events.find((event) => event.subject === subject)!
      expect(payload).toEqual({ conversationId: id, version: 3, conversation: forAll })
    }, WAIT)
  })

  test('that changes nothing writes nothing, so a retry is safe', async () => {
    const alice = newUser()
    const { id } = await world.createGroup(alice)
    const wanted = { title: 'Plans', avatarUrl: null, historyVisibility: 'all', archived: true } as const
    const first = must(await update(alice, id, wanted))
    expect(first.version).toBe(2)
    expect(must(await update(alice, id, wanted))).toEqual(first)
    expect(must(await update(alice, id, {}))).toEqual(first)
  })

  test('takes a title away', async () => {
    const alice = newUser()
    const { id } = await world.createGroup(alice)
    must(await update(alice, id, { title: 'Plans' }))
    expect(must(await update(alice, id, { title: null }))).toMatchObject({ title: null, version: 3 })
  })
})

describe('history visibility', () => {
  test('is for those who join from then on, also for who comes back', async () => {
    const [alice, bob, carol, dave] = [newUser(), newUser(), newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(alice)
    const historyOf = async (userId: string) =>
      must(await world.calls.getMessages({ actor: actorOf(userId), conversationId })).messages.map(({ text }) => text)
    await world.send(alice, conversationId, { text: 'one' })
    must(await addTo(alice, conversationId, bob))
    must(await update(alice, conversationId, { historyVisibility: 'all' }))
    must(await addTo(alice, conversationId, carol))
    expect([await historyOf(bob), await historyOf(carol)]).toEqual([[], ['one']])

    must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId }))
    must(await addTo(alice, conversationId, bob))
    expect(await historyOf(bob)).toEqual(['one'])
    must(await update(alice, conversationId, { historyVisibility: 'joined' }))
    must(await addTo(alice, conversationId, dave))
    must(await world.calls.leaveConversation({ actor: actorOf(carol), conversationId }))
    must(await addTo(alice, conversationId, carol))
    expect([await historyOf(bob), await historyOf(carol), await historyOf(dave)]).toEqual([['one'], [], []])
  })
})

describe('an archived conversation', () => {
  test('can be read, marked, muted and left, and nobody writes in it or joins it until it is opened again', async () => {
    const [alice, bob, carol, dave] = [newUser(), newUser(), newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(alice, [bob, carol])
    const { id: messageId } = messageOf(await world.send(alice, conversationId, { text: 'one' }))
    const archived = must(await update(alice, conversationId, { archived: true }))
    expect(archived.archivedAt).toEqual(expect.any(String))
    expect((await seenBy(bob, conversationId)).archivedAt).toBe(archived.archivedAt)

    const asBob = { actor: actorOf(bob), conversationId }
    expect(codeOf(await world.send(bob, conversationId))).toBe('conversation_archived')
    expect(refusalOf(await addTo(alice, conversationId, dave))).toBe('conversation_archived')
    expect(refusalOf(await world.calls.addReaction({ ...asBob, messageId, emoji: '👍' }))).toBe('conversation_archived')
    expect(must(await world.calls.getMessages(asBob)).messages).toHaveLength(1)
    const mark = { ...asBob, deliveredSequence: 1, readSequence: 1 }
    expect(must(await world.calls.markReceipts({ marks: [mark] })).results[0]).not.toHaveProperty('refusal')
    must(await mute(bob, conversationId, new Date(Date.now() + 60_000).toISOString()))
    // A retry of what was done before it was archived.
    expect(must(await addTo(alice, conversationId, bob)).members).toMatchObject([{ userId: bob }])
    must(await world.calls.leaveConversation(asBob))
    must(await world.calls.removeMember({ actor: actorOf(alice), conversationId, userId: carol }))

    expect(must(await update(alice, conversationId, { archived: false })).archivedAt).toBeNull()
    must(await addTo(alice, conversationId, dave))
    messageOf(await world.send(dave, conversationId))
    expect(await audit(world.db)).toEqual([])
  })

  test('stays so from the first time it was archived', async () => {
    const alice = newUser()
    const { id } = await world.createGroup(alice)
    const first = must(await update(alice, id, { archived: true }))
    const renamed = must(await update(alice, id, { archived: true, title: 'Old plans' }))
    expect(renamed).toMatchObject({ archivedAt: first.archivedAt, version: 3 })
  })
})

describe('muting', () => {
  const until = '2030-01-02T03:04:05.678Z'

  test("is told to the user's own devices at once, live and as a repair, and to nobody else", async () => {
    const [alice, bob] = [newUser(), newUser()]
    const { id } = await world.createGroup(alice, [bob])
    messageOf(await world.send(alice, id, { text: 'one' }))
    const muted = must(await mute(bob, id, until))
    expect(muted).toMatchObject({ version: 2, me: { mutedUntil: until, unreadCount: 1 }, lastMessage: { text: 'one' } })
    const told = { version: 2, event: 'ConversationUpdated', argument: { ...muted, lastMessage: null } }
    await vi.waitFor(() => expect(toldTo(userTopic(bob)).slice(1)).toEqual([told]), WAIT)
    expect(await repairOf(userTopic(bob), 1)).toEqual({ changes: [told], to: 2, hasMore: false })

    expect((await seenBy(alice, id)).me?.mutedUntil).toBeNull()
    const { versions } = must(await world.calls.readVersions({ topics: [`c:${id}`, `u:${alice}`] }))
    expect(versions).toEqual([2, 1])
    expect(toldTo(conversationTopic(id)).filter(({ event }) => event === 'ConversationUpdated')).toEqual([])
    expect(world.events.filter(({ subject }) => subject.endsWith(`conversation-updated.${id}`))).toEqual([])
  })

  test('is found by Sync, with nothing else', async () => {
    const [alice, bob] = [newUser(), newUser()]
    const { id } = await world.createGroup(alice, [bob])
    const ask = async (since: string | null) =>
      must(await world.calls.sync({ actor: actorOf(bob), conversations: [{ id, version: 1 }], since }))
    const { serverTime } = await ask(null)
    must(await mute(bob, id, until))
    const { conversations } = await ask(serverTime)
    expect(conversations).toMatchObject([{ conversation: { id, me: { mutedUntil: until } }, messages: [], to: 1 }])
  })

  test('again changes nothing, and of several changes a repair tells the last', async () => {
    const alice = newUser()
    const { id } = await world.createGroup(alice)
    must(await mute(alice, id, until))
    must(await mute(alice, id, until))
    must(await mute(alice, id, null))
    expect(must(await mute(alice, id, null)).me?.mutedUntil).toBeNull()
    const { changes, to } = await repairOf(userTopic(alice), 1)
    // Version 2 holds nothing any more: a gateway goes on to 3.
    expect(to).toBe(3)
    expect(changes).toMatchObject([
      { version: 3, event: 'ConversationUpdated', argument: { me: { mutedUntil: null } } },
    ])
    expect(await audit(world.db)).toEqual([])
  })

  test('by several devices at once ends with what all of them are told last', async () => {
    const alice = newUser()
    const { id } = await world.createGroup(alice)
    const times = Array.from({ length: 8 }, (_, index) => new Date(Date.UTC(2030, index)).toISOString())
    await Promise.all(times.map(async (time) => must(await mute(alice, id, time))))
    const version = must(await world.calls.readVersions({ topics: [`u:${alice}`] })).versions[0]!
    expect(version).toBe(1 + times.length)
    await vi.waitFor(() => expect(toldTo(userTopic(alice))).toHaveLength(version), WAIT)
    const last = toldTo(userTopic(alice)).at(-1)?.argument.me?.mutedUntil
    expect((await seenBy(alice, id)).me?.mutedUntil).toBe(last)
  })

  test('ends with the membership', async () => {
    const [alice, bob] = [newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(alice, [bob])
    must(await mute(bob, conversationId, until))
    must(await world.calls.leaveConversation({ actor: actorOf(bob), conversationId }))
    expect(refusalOf(await mute(bob, conversationId, null))).toBe('not_a_member')
    must(await addTo(alice, conversationId, bob))
    expect((await seenBy(bob, conversationId)).me?.mutedUntil).toBeNull()
    await vi.waitFor(() => expect(toldTo(userTopic(bob)).at(-1)?.version).toBe(4), WAIT)
    expect(toldTo(userTopic(bob)).at(-1)?.argument.me).toEqual((await seenBy(bob, conversationId)).me)
    expect(await audit(world.db)).toEqual([])
  })
})
