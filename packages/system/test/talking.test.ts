import type { Conversation, Message } from '@parley/protocol'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditOrder, isOnceAndInOrder } from '../src/audit.ts'
import { join, type Participant } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

const texts = {
  emoji: '👋🏽 👨‍👩‍👧‍👦 🏳️‍🌈',
  'right-to-left script': 'مرحبا بالعالم שלום עולם',
  CJK: '你好，世界 こんにちは 안녕하세요',
  newlines: 'one\n\ttwo\r\nthree\u2028four',
  'what JSON and HTML escape': '"\\/<script>&amp;</script>\u007f\ud83d\ude00',
  '10,000 characters': '🙂'.repeat(10_000),
}

describe('two people on different gateways', () => {
  test.each(Object.entries(texts))('send each other %s', async (name, text) => {
    const [firstGateway, secondGateway] = system.gatewayUrls
    await using alice = await join(firstGateway, `alice ${name}`)
    await using bob = await join(secondGateway, `bob ${name}`)
    const conversation = await alice.invoke<Conversation>('CreateConversation', {
      kind: 'direct',
      memberIds: [bob.user.id],
    })
    await expect.poll(() => bob.conversations.map(({ id }) => id)).toEqual([conversation.id])
    const sent = await alice.say(conversation.id, text)
    const answered = await bob.say(conversation.id, text)
    expect([sent.sequence, answered.sequence]).toEqual([1, 2])
    for (const person of [alice, bob]) {
      await expect.poll(() => person.heard.map((message) => message.id)).toEqual([sent.id, answered.id])
      expect(person.heard.every((message) => message.text === text)).toBe(true)
    }
    const history = await bob.invoke<{ messages: Message[] }>('GetMessages', { conversationId: conversation.id })
    expect(history.messages).toEqual(alice.heard)
  })

  test('get the same direct conversation, whoever begins it', async () => {
    const [firstGateway, secondGateway] = system.gatewayUrls
    await using alice = await join(firstGateway, 'alice begins')
    await using bob = await join(secondGateway, 'bob begins')
    const created = await Promise.all([
      alice.invoke<Conversation>('CreateConversation', { kind: 'direct', memberIds: [bob.user.id] }),
      bob.invoke<Conversation>('CreateConversation', { kind: 'direct', memberIds: [alice.user.id] }),
    ])
    expect(created[0].id).toBe(created[1].id)
    for (const person of [alice, bob]) await expect.poll(() => person.conversations).toHaveLength(1)
  })
})

test('40 people on two gateways hear every message of their conversations once and in order, and history says the same', async () => {
  const people = await Promise.all(
    Array.from({ length: 40 }, (_, index) => join(system.gatewayUrls[index % 2]!, `person ${index}`)),
  )
  await using stack = new AsyncDisposableStack()
  for (const person of people) stack.use(person)
  const members = new Map<string, Participant[]>()
  for (let group = 0; group < 8; group += 1) {
    const inGroup = people.filter((_, index) => index % 8 === group || (index * 7) % 8 === group || index === group)
    const [creator, ...others] = inGroup as [Participant, ...Participant[]]
    const { id } = await creator.invoke<Conversation>('CreateConversation', {
      kind: 'group',
      title: `group ${group}`,
      memberIds: others.map(({ user }) => user.id),
    })
    members.set(id, inGroup)
  }
  for (const person of people) {
    const expected = [...members].filter(([, inGroup]) => inGroup.includes(person)).length
    await expect.poll(() => person.conversations.length).toBe(expected)
  }
  const sent = await Promise.all(
    [...members].flatMap(([conversationId, inGroup]) =>
      inGroup.flatMap((person, index) =>
        Array.from({ length: 10 }, (_, number) => person.say(conversationId, `${index}: ${number}`)),
      ),
    ),
  )
  for (const [conversationId, inGroup] of members) {
    const inConversation = sent.filter((message) => message.conversationId === conversationId)
    const { messages } = await inGroup[0]!.invoke<{ messages: Message[] }>('GetMessages', {
      conversationId,
      limit: 100,
      after: 0,
    })
    expect(messages.map(({ id }) => id)).toEqual(
      inConversation
        .toSorted((a, b) => a.sequence - b.sequence)
        .map(({ id }) => id)
        .slice(0, 100),
    )
    for (const person of inGroup) {
      const heard = () => person.heard.filter((message) => message.conversationId === conversationId)
      await expect.poll(() => heard().length, { timeout: 20_000 }).toBe(inConversation.length)
      expect(isOnceAndInOrder(heard())).toBe(true)
    }
  }
  expect((await auditOrder(system.adminUrl)).broken).toEqual([])
})

describe('a retry', () => {
  test('with the same id is answered with the first result, on any gateway', async () => {
    await using alice = await join(system.gatewayUrls[0], 'alice retries')
    await using elsewhere = await join(system.gatewayUrls[1], 'alice retries')
    const { id: conversationId } = await alice.invoke<Conversation>('CreateConversation', {
      kind: 'group',
      memberIds: [],
    })
    const first = await alice.say(conversationId, 'once')
    const input = { conversationId, id: first.id, text: 'once' }
    expect(await elsewhere.invoke('SendMessage', input)).toEqual({ ...first, duplicate: true })
    await expect(elsewhere.invoke('SendMessage', { ...input, text: 'other' })).rejects.toThrow('message_id_conflict: ')
    await expect.poll(() => elsewhere.heard.map(({ id }) => id)).toEqual([first.id])
  })
})

describe('membership', () => {
  test('begins and ends live, on any gateway, with exactly what was theirs to see', async () => {
    await using owner = await join(system.gatewayUrls[0], 'owner')
    await using guest = await join(system.gatewayUrls[1], 'guest')
    const { id: conversationId } = await owner.invoke<Conversation>('CreateConversation', {
      kind: 'group',
      title: 'with guests',
      memberIds: [],
    })
    await owner.say(conversationId, 'before')
    await owner.invoke('AddMembers', { conversationId, userIds: [guest.user.id] })
    await expect.poll(() => guest.conversations.map(({ id }) => id)).toEqual([conversationId])
    await owner.say(conversationId, 'during')
    await expect.poll(() => guest.heard.map(({ text }) => text)).toEqual(['during'])
    await owner.invoke('RemoveMember', { conversationId, userId: guest.user.id })
    await owner.say(conversationId, 'after')
    await expect(guest.invoke('GetMessages', { conversationId })).rejects.toThrow('not_a_member: ')
    await expect(guest.say(conversationId, 'still here')).rejects.toThrow('not_a_member: ')
    await owner.invoke('AddMembers', { conversationId, userIds: [guest.user.id] })
    await owner.say(conversationId, 'again')
    await expect.poll(() => guest.heard.map(({ text }) => text)).toEqual(['during', 'again'])
    expect(owner.heard.map(({ text }) => text)).toEqual(['before', 'during', 'after', 'again'])
  })
})

describe('presence', () => {
  test('says to who shares a conversation who is online, from any gateway, and who has gone', async () => {
    await using watcher = await join(system.gatewayUrls[0], 'watcher')
    const watched = await join(system.gatewayUrls[1], 'watched')
    const stranger = randomUUID()
    async function statuses(): Promise<string[]> {
      const response = await fetch(
        `${system.gatewayUrls[0]}/api/v1/presence?userIds=${watched.user.id},${watcher.user.id},${stranger}`,
        { headers: { authorization: `Bearer ${watcher.accessToken}` } },
      )
      const { states } = (await response.json()) as { states: { status: string }[] }
      return states.map(({ status }) => status)
    }
    await expect.poll(statuses, { timeout: 10_000 }).toEqual(['unknown', 'online', 'unknown'])
    await watcher.invoke('CreateConversation', { kind: 'direct', memberIds: [watched.user.id] })
    await expect.poll(statuses, { timeout: 10_000 }).toEqual(['online', 'online', 'unknown'])
    await watched[Symbol.asyncDispose]()
    await expect.poll(statuses, { timeout: 15_000 }).toEqual(['offline', 'online', 'unknown'])
  })
})
