import { openChat, RefusedError, type Chat } from '@parley/client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dropUntilNoticed, startStandInHub, type StandInHub } from './stand-in-hub.ts'

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

const textsOf = (chat: Chat, conversationId: string) =>
  chat.state.conversations.get(conversationId)?.messages.map(({ text }) => text)

describe('a chat', () => {
  test('opens with everything that is there, and hears what follows', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    hub.say(conversationId, 'before')
    const chat = await open(hub)
    expect(chat.status).toBe('live')
    expect(chat.state.userId).toBe(hub.userId)
    expect(textsOf(chat, conversationId)).toEqual(['before'])
    hub.say(conversationId, 'after')
    await expect.poll(() => textsOf(chat, conversationId)).toEqual(['before', 'after'])
    expect(chat.state.conversations.get(conversationId)).toMatchObject({
      version: 3,
      conversation: { lastSequence: 2, me: { unreadCount: 2 } },
    })
  })

  test('opens when the server comes back, however often it was not there', async () => {
    const hub = await startHub()
    hub.refuseConnections = true
    const opening = open(hub)
    await expect.poll(() => hub.refused()).toBeGreaterThanOrEqual(2)
    hub.refuseConnections = false
    expect((await opening).status).toBe('live')
  })

  test('is not opened for an access token that the server does not know, but waits for one that it knew', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    hub.isLocked = true
    await expect(open(hub)).rejects.toThrow('401')
    const errors: unknown[] = []
    chat.on('error', (error) => errors.push(error))
    hub.drop()
    await expect.poll(() => errors.length).toBeGreaterThan(0)
    hub.isLocked = false
    await expect.poll(() => chat.status).toBe('live')
  })

  test('asks again when the server was too busy to answer', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    hub.busy = 2
    const chat = await open(hub)
    expect(textsOf(chat, conversationId)).toEqual([])
  })

  test('tells every event from the first on, until a listener wants no more', async () => {
    const hub = await startHub()
    const heard: string[] = []
    const chat = await open(hub, { listen: ({ on }) => on('event', (name) => heard.push(name)) })
    expect(heard).toEqual(['Welcome'])
    const end = chat.on('change', () => heard.push('change'))
    end()
    hub.addConversation()
    await expect.poll(() => heard).toEqual(['Welcome', 'ConversationAdded'])
  })

  test('shows an edit that is answered, and moves on when it is told to all', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    const sent = await chat.send(conversationId, { text: 'helo' })
    hub.isTelling = false
    const edited = await chat.edit(sent, { text: 'hello' })
    expect(textsOf(chat, conversationId)).toEqual(['hello'])
    expect(chat.state.conversations.get(conversationId)?.version).toBe(2)
    hub.tell('MessageUpdated', edited)
    await expect.poll(() => chat.state.conversations.get(conversationId)?.version).toBe(3)
  })

  test('comes back after every loss, also after being told to stay away, and gets what it has missed', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    const statuses: string[] = []
    chat.on('status', (status) => statuses.push(status))
    for (const [round, isForGood] of [false, true].entries()) {
      hub.drop(isForGood)
      hub.say(conversationId, `missed ${round}`)
      await expect.poll(() => textsOf(chat, conversationId)).toHaveLength(round + 1)
      await expect.poll(() => chat.status).toBe('live')
    }
    expect(statuses).toEqual(['connecting', 'syncing', 'live', 'connecting', 'syncing', 'live'])
    expect(hub.syncs.at(-1)).toMatchObject({
      conversations: [{ id: conversationId, version: 2 }],
      since: expect.any(String),
    })
  })

  test('takes events backwards and twice for what they are', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    const heard: string[] = []
    chat.on('event', (name) => heard.push(name))
    hub.shuffled = 4
    for (const text of ['1', '2', '3', '4']) hub.say(conversationId, text)
    await expect.poll(() => heard).toHaveLength(8)
    expect(textsOf(chat, conversationId)).toEqual(['1', '2', '3', '4'])
    expect(chat.state.conversations.get(conversationId)).toMatchObject({ version: 5, heard: 5 })
  })

  test('asks for what the server says it can not tell', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    hub.isTelling = false
    hub.say(conversationId, 'not told')
    hub.tell('SyncRequired', { reason: 'test', conversationIds: [conversationId] })
    await expect.poll(() => textsOf(chat, conversationId)).toEqual(['not told'])
    expect(hub.syncs.at(-1)).toMatchObject({ partial: true, conversations: [{ id: conversationId, version: 1 }] })
  })

  test('gets the rest of a conversation that comes live, and forgets one that goes', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    const conversationId = hub.addConversation()
    await expect.poll(() => hub.syncs.at(-1)?.conversations).toEqual([{ id: conversationId, version: 0 }])
    hub.say(conversationId, 'hello')
    await expect.poll(() => textsOf(chat, conversationId)).toEqual(['hello'])
    hub.removeConversation(conversationId)
    await expect.poll(() => chat.state.conversations.size).toBe(0)
  })

  test('of a user with more conversations than one request may name has them all, with what was said in each', async () => {
    const hub = await startHub()
    const ids = Array.from({ length: 1_200 }, () => hub.addConversation())
    for (const id of ids) hub.say(id, 'hello')
    const chat = await open(hub)
    expect(new Set(chat.state.conversations.keys())).toEqual(new Set(ids))
    await expect.poll(() => ids.every((id) => textsOf(chat, id)?.join() === 'hello')).toBe(true)
    for (const { conversations } of hub.syncs) expect(conversations.length).toBeLessThanOrEqual(500)
    hub.isTelling = false
    for (const id of ids) hub.say(id, 'missed')
    hub.drop()
    await expect.poll(() => ids.every((id) => textsOf(chat, id)?.join() === 'hello,missed')).toBe(true)
  })

  test('goes on from the state of an earlier one, and asks only for what has changed', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    hub.say(conversationId, 'first')
    const earlier = await open(hub)
    await earlier[Symbol.asyncDispose]()
    hub.say(conversationId, 'second')
    const chat = await open(hub, { state: structuredClone(earlier.state) })
    expect(hub.syncs.at(-1)?.conversations).toEqual([{ id: conversationId, version: 2 }])
    expect(textsOf(chat, conversationId)).toEqual(['first', 'second'])
    expect(textsOf(earlier, conversationId)).toEqual(['first'])
  })

  test('that is closed hears nothing any more and opens no connection', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    await chat[Symbol.asyncDispose]()
    const { state } = chat
    hub.say(conversationId, 'late')
    hub.drop()
    expect(chat.status).toBe('closed')
    await expect(chat.send(conversationId, { text: 'too late' })).rejects.toThrow('closed')
    expect(chat.state).toBe(state)
    expect(hub.welcomes()).toBe(1)
  })

  test('whose opening is given up connects no more', async () => {
    const hub = await startHub()
    hub.refuseConnections = true
    const giveUp = new AbortController()
    const opening = open(hub, { signal: giveUp.signal })
    giveUp.abort(new Error('enough'))
    await expect(opening).rejects.toThrow('enough')
  })

  test('keeps older messages that it loads', async () => {
    const hub = await startHub()
    const chat = await open(hub)
    const conversationId = hub.addConversation()
    await expect.poll(() => hub.syncs).toHaveLength(2)
    for (const text of ['1', '2', '3']) hub.say(conversationId, text)
    await expect.poll(() => textsOf(chat, conversationId)).toHaveLength(3)
    expect(await chat.loadMessages(conversationId, { before: 3, limit: 1 })).toMatchObject([{ text: '2' }])
    expect(textsOf(chat, conversationId)).toEqual(['1', '2', '3'])
  })

  test.each(['told at once', 'found out later'])('forgets what has expired when that is %s', async (way) => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    for (const text of ['1', '2', '3']) hub.say(conversationId, text)
    const chat = await open(hub)
    expect(textsOf(chat, conversationId)).toEqual(['1', '2', '3'])
    hub.isTelling = way === 'told at once'
    hub.expire(conversationId, 3)
    if (way === 'found out later') await dropUntilNoticed(hub, chat)
    await expect.poll(() => textsOf(chat, conversationId)).toEqual(['3'])
    const { conversation } = chat.state.conversations.get(conversationId)!
    expect(conversation).toMatchObject({ firstKeptSequence: 3, lastMessage: { text: '3' }, me: { unreadCount: 1 } })
    await expect.poll(() => chat.status).toBe('live')
    expect(await chat.loadMessages(conversationId, { before: 3 })).toEqual([])
    expect(await chat.loadMessages(conversationId, { before: 2 })).toEqual([])
    await expect(chat.loadMessages(conversationId, { after: 0 })).rejects.toMatchObject({ code: 'history_expired' })
    expect(await chat.loadMessages(conversationId, { after: 2 })).toMatchObject([{ text: '3' }])
    hub.isTelling = true
    hub.expire(conversationId, 4)
    await expect.poll(() => textsOf(chat, conversationId)).toEqual([])
    expect(chat.state.conversations.get(conversationId)!.conversation).toMatchObject({
      lastMessage: null,
      lastSequence: 3,
      me: { unreadCount: 0 },
    })
  })
})

describe('a message', () => {
  test('whose attempt or reply is lost is sent again with the same id, and stored once', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    hub.mishaps.push('lost before', 'lost after', 'overloaded')
    const sent = await chat.send(conversationId, { text: 'once' })
    expect(new Set(hub.attempts)).toEqual(new Set([sent.id]))
    expect(hub.messages(conversationId)).toHaveLength(1)
    expect(textsOf(chat, conversationId)).toEqual(['once'])
    expect(chat.pending(conversationId)).toEqual([])
  })

  test('is pending until it is settled, and those of a conversation go in their order', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const other = hub.addConversation()
    const chat = await open(hub)
    hub.drop()
    const texts = ['1', '2', '3', '4', '5']
    const sends = texts.map((text) => chat.send(conversationId, { text }))
    expect(chat.pending(conversationId).map(({ text }) => text)).toEqual(texts)
    hub.mishaps.push('lost after', 'lost before')
    await Promise.all([...sends, chat.send(other, { text: 'elsewhere' })])
    expect(hub.messages(conversationId).map(({ text }) => text)).toEqual(texts)
    expect(textsOf(chat, conversationId)).toEqual(texts)
    expect(chat.pending(conversationId)).toEqual([])
  })

  test('that is refused is not sent again, and those behind it go on', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    hub.mishaps.push('forbidden')
    const refused = chat.send(conversationId, { text: 'no' })
    const behind = chat.send(conversationId, { text: 'yes' })
    await expect(refused).rejects.toThrow(RefusedError)
    await expect(behind).resolves.toMatchObject({ text: 'yes', duplicate: false })
    expect(hub.attempts).toHaveLength(2)
  })

  test('that no server could take is refused at once', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    await expect(chat.send(conversationId, { text: 'a'.repeat(10_001) })).rejects.toMatchObject({
      code: 'invalid_input',
    })
    expect(hub.attempts).toEqual([])
  })

  test('that waits when the chat is closed is given up', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    hub.refuseConnections = true
    hub.drop()
    const send = chat.send(conversationId, { text: 'never' })
    await Promise.all([expect(send).rejects.toThrow('closed'), chat[Symbol.asyncDispose]()])
  })
})

describe('a mark', () => {
  test('is told by itself for what is delivered, at most once a second', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    for (let count = 0; count < 20; count++) hub.say(conversationId, 'quick')
    await expect.poll(() => hub.marks.at(-1)).toEqual({ kind: 'MarkDelivered', conversationId, sequence: 20 })
    expect(hub.marks.length).toBeLessThanOrEqual(3)
    expect(chat.state.conversations.get(conversationId)?.conversation.me).toMatchObject({
      deliveredSequence: 20,
      readSequence: 0,
      unreadCount: 20,
    })
  })

  test('of what is read shows at once, and is repeated on the next connection', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    hub.say(conversationId, 'read me')
    await expect.poll(() => textsOf(chat, conversationId)).toHaveLength(1)
    chat.markRead(conversationId, 1)
    expect(chat.state.conversations.get(conversationId)?.conversation.me?.unreadCount).toBe(0)
    const isRead = ({ kind, sequence }: { kind: string; sequence: number }) => kind === 'MarkRead' && sequence === 1
    await expect.poll(() => hub.marks.filter(isRead)).toHaveLength(1)
    hub.drop()
    await expect.poll(() => hub.marks.filter(isRead)).toHaveLength(2)
  })

  test('outlives the membership in which it was made', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    hub.say(conversationId, 'read me')
    const chat = await open(hub)
    const added = chat.state.conversations.get(conversationId)!.conversation
    chat.markRead(conversationId, 1)
    hub.tell('ConversationRemoved', { conversationId })
    await expect.poll(() => chat.state.conversations.size).toBe(0)
    hub.tell('ConversationAdded', added)
    await expect.poll(() => chat.state.conversations.get(conversationId)?.conversation.me?.readSequence).toBe(1)
    const isRead = ({ kind, sequence }: { kind: string; sequence: number }) => kind === 'MarkRead' && sequence === 1
    await expect.poll(() => hub.marks.filter(isRead)).toHaveLength(2)
  })

  test('made while there is no connection is told on the next one', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    hub.say(conversationId, 'read me')
    const chat = await open(hub)
    await dropUntilNoticed(hub, chat)
    chat.markRead(conversationId, 1)
    await expect.poll(() => hub.marks).toContainEqual({ kind: 'MarkRead', conversationId, sequence: 1 })
  })

  test('is not needed for what was sent: who sends has read', async () => {
    const hub = await startHub()
    const conversationId = hub.addConversation()
    const chat = await open(hub)
    hub.say(conversationId, 'question')
    await chat.send(conversationId, { text: 'answer' })
    expect(chat.state.conversations.get(conversationId)?.conversation.me).toMatchObject({
      readSequence: 2,
      unreadCount: 0,
    })
  })
})
