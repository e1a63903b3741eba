import { randomUUID } from 'node:crypto'
import { openChat, type Chat } from '@parley/client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { HubError } from '@parley/signalr'
import { dropUntilNoticed, presenceOf, startStandInHub, type StandInHub } from './stand-in-hub.ts'

async function startHub(): Promise<StandInHub> {
  const hub = await startStandInHub()
  onTestFinished(() => hub[Symbol.asyncDispose]())
  return hub
}

async function open(hub: StandInHub, options: Partial<Parameters<typeof openChat>[0]> = {}): Promise<Chat> {
  const chat = await openChat({ url: hub.url, accessToken: 'token', ...options })
  onTestFinished(() => chat[Symbol.asyncDispose]())
  return chat
}

const typistsOf = (chat: Chat, conversationId: string) => [
  ...chat.state.conversations.get(conversationId)!.typing.users.keys(),
]
const typing = (conversationId: string, userId: string, { lastsMs = 7_000, active = true } = {}) => ({
  conversationId,
  userId,
  active,
  count: 1,
  expiresAt: new Date(Date.now() + lastsMs).toISOString(),
})
const presenceIn = (chat: Chat) => Object.fromEntries([...chat.state.presence].map(([id, { status }]) => [id, status]))

describe('others who type', () => {
  test('are shown until they stop, send, or have not said it for too long, and each change is told', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    const conversationId = hub.addConversation()
    await expect.poll(() => chat.state.conversations.size).toBe(1)
    const changes: (string | undefined)[] = []
    chat.on('change', (_state, where) => changes.push(where))
    const stranger = hub.say(conversationId, 'hello').senderId
    const [alice, bob] = [randomUUID(), randomUUID()]
    hub.tell('Typing', typing(conversationId, stranger))
    hub.tell('Typing', typing(conversationId, alice))
    hub.tell('Typing', typing(conversationId, bob, { lastsMs: 600 }))
    await expect.poll(() => typistsOf(chat, conversationId)).toEqual([stranger, alice, bob])
    changes.length = 0
    await expect.poll(() => typistsOf(chat, conversationId), { timeout: 3_000 }).toEqual([stranger, alice])
    expect(changes).toEqual([conversationId])
    hub.say(conversationId, 'said')
    await expect.poll(() => typistsOf(chat, conversationId)).toEqual([alice])
    hub.tell('Typing', typing(conversationId, alice, { active: false }))
    await expect.poll(() => typistsOf(chat, conversationId)).toEqual([])
  })

  test('and how users were there are not kept for the next chat', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const earlier = await open(hub)
    await earlier.watchPresence([randomUUID()])
    hub.tell('Typing', typing(conversationId, randomUUID()))
    await expect.poll(() => typistsOf(earlier, conversationId)).toHaveLength(1)
    await earlier[Symbol.asyncDispose]()
    const chat = await open(hub, { state: structuredClone(earlier.state) })
    expect(typistsOf(chat, conversationId)).toEqual([])
    expect(chat.state.presence.size).toBe(0)
  })
})

describe('the user who types', () => {
  test('is told once for many keys, and with the message it is over', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    for (let key = 0; key < 20; key++) chat.startTyping(conversationId)
    await chat.send(conversationId, { text: 'said' })
    chat.stopTyping(conversationId)
    chat.startTyping(conversationId)
    chat.stopTyping(conversationId)
    await chat.send(conversationId, { text: 'more' })
    expect(hub.asked).toEqual([{ name: 'StartTyping', about: conversationId }])
  })

  test('is not disturbed when it is refused', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    hub.beforeCompany = () => {
      throw new HubError('typing_not_offered: Who is typing is not told in conversations of this size.')
    }
    chat.startTyping(conversationId)
    chat.stopTyping(conversationId)
    await expect.poll(() => hub.asked.map(({ name }) => name)).toEqual(['StartTyping', 'StopTyping'])
    expect((await chat.send(conversationId, { text: 'goes on' })).text).toBe('goes on')
  })
})

describe('watched users', () => {
  test('are shown as they are from the answer on, as they change, and no more when they are watched no more', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    const [alice, bob] = [randomUUID(), randomUUID()]
    await chat.watchPresence([alice, bob, alice])
    expect(presenceIn(chat)).toEqual({ [alice]: 'online', [bob]: 'online' })
    hub.tell('PresenceChanged', [presenceOf(alice, 'busy')])
    await expect.poll(() => presenceIn(chat)).toEqual({ [alice]: 'busy', [bob]: 'online' })
    chat.unwatchPresence([bob])
    hub.tell('PresenceChanged', [presenceOf(bob, 'away'), presenceOf(alice, 'away')])
    await expect.poll(() => presenceIn(chat)).toEqual({ [alice]: 'away' })
    await expect.poll(() => hub.asked.at(-1)).toEqual({ name: 'UnwatchPresence', about: [bob] })
    await chat.watchPresence([])
    expect(hub.asked).toHaveLength(2)
  })

  test('are asked again on every new connection', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    const [alice, bob] = [randomUUID(), randomUUID()]
    await chat.watchPresence([alice])
    hub.tell('PresenceChanged', [presenceOf(alice, 'busy')])
    await expect.poll(() => presenceIn(chat)).toEqual({ [alice]: 'busy' })
    await dropUntilNoticed(hub, chat)
    await chat.watchPresence([bob])
    expect(presenceIn(chat)).toEqual({ [alice]: 'online', [bob]: 'online' })
    expect(hub.asked.slice(1)).toEqual([{ name: 'WatchPresence', about: [alice, bob] }])
  })

  test('whose change is told while they are asked are shown as they were told', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    const alice = randomUUID()
    const told = Promise.withResolvers<void>()
    chat.on('event', (name) => name === 'PresenceChanged' && told.resolve())
    hub.beforeCompany = () => {
      hub.tell('PresenceChanged', [presenceOf(alice, 'busy')])
      return told.promise
    }
    await chat.watchPresence([alice])
    expect(presenceIn(chat)).toEqual({ [alice]: 'busy' })
  })

  test('that are given up while they are asked are not shown, and the server hears of it', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    const alice = randomUUID()
    hub.beforeCompany = () => chat.unwatchPresence([alice])
    await chat.watchPresence([alice])
    await expect.poll(() => hub.asked.map(({ name }) => name)).toEqual(['WatchPresence', 'UnwatchPresence'])
    expect(presenceIn(chat)).toEqual({})
  })

  test('are asked again when the server is busy, and not when it refuses', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    const [alice, bob] = [randomUUID(), randomUUID()]
    hub.beforeCompany = () => {
      hub.beforeCompany = undefined
      throw new HubError('unavailable: The service cannot answer now.')
    }
    await chat.watchPresence([alice])
    hub.beforeCompany = () => {
      throw new HubError('forbidden: You may not do this.')
    }
    await expect(chat.watchPresence([bob])).rejects.toMatchObject({ code: 'forbidden' })
    expect(presenceIn(chat)).toEqual({ [alice]: 'online' })
    expect(hub.asked.filter(({ about }) => about.includes(bob))).toHaveLength(1)
  })

  test('are at most 500, and have ids', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    const users = Array.from({ length: 500 }, () => randomUUID())
    await chat.watchPresence(users)
    await expect(chat.watchPresence([randomUUID()])).rejects.toMatchObject({ code: 'too_many_watched' })
    chat.unwatchPresence(users.slice(0, 1))
    await chat.watchPresence([randomUUID()])
    expect(chat.state.presence.size).toBe(500)
    chat.unwatchPresence(users)
    await expect(chat.watchPresence(['nobody'])).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('that wait when the chat is closed are given up', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    hub.refuseConnections = true
    hub.drop()
    await expect.poll(() => chat.status).toBe('connecting')
    const watching = chat.watchPresence([randomUUID()])
    await Promise.all([expect(watching).rejects.toThrow('closed'), chat[Symbol.asyncDispose]()])
  })
})

test('the own status is set as the server answers', async () => {
  const hub = await startHub()
  const chat = await open(hub)
  expect(await chat.setStatus({ status: 'busy', text: 'in a meeting' })).toMatchObject({
    status: 'busy',
    text: 'in a meeting',
  })
})

test('a chat comes back when a server that goes away has asked for it', async () => {
  const hub = await startHub()
  const chat = await open(hub)
  const from = performance.now()
  hub.drop(false, 'draining;retryAfterMs=1500')
  await expect.poll(() => chat.status).not.toBe('live')
  await expect.poll(() => hub.welcomes(), { timeout: 5_000 }).toBe(2)
  expect(performance.now() - from).toBeGreaterThanOrEqual(1_500)
})

describe('a chat whose session the server ends', () => {
  test('is closed with the reason, and does not come back', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    const heard: string[] = []
    chat.on('event', (name) => heard.push(name))
    chat.on('status', (status) => heard.push(status))
    hub.tell('SessionEnding', { reason: 'too_many_connections', at: new Date().toISOString() })
    await expect.poll(() => heard).toEqual(['SessionEnding', 'closed'])
    expect(chat.ended).toBe('too_many_connections')
    await expect(chat.send(conversationId, { text: 'too late' })).rejects.toThrow('closed')
    await chat[Symbol.asyncDispose]()
    expect(hub.welcomes()).toBe(1)
  })

  test('while it opens is not opened', async () => {
    const hub = await startHub()
    hub.busy = 1_000
    const ending = { reason: 'too_many_connections', at: new Date().toISOString() } as const
    const opening = open(hub, {
      listen: ({ on }) => on('status', (status) => status === 'syncing' && hub.tell('SessionEnding', ending)),
    })
    await expect(opening).rejects.toThrow('too_many_connections')
  })
})
