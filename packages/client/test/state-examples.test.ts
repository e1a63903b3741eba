import { describe, expect, test } from 'vitest'
import { applyEvent } from '../src/state/apply-event.ts'
import { applySync, questionOf, withHistory } from '../src/state/apply-sync.ts'
import { emptyState, isWhole, type ChatEvent, type ChatState } from '../src/state/chat-state.ts'
import { me, ModelConversation, others } from './model-conversation.ts'

const welcome = (userId: string): ChatEvent => ({
  name: 'Welcome',
  payload: { connectionId: '', userId, serverTime: new Date(0).toISOString() },
})
const start = applyEvent(emptyState, welcome(me))
const send = { kind: 'send', by: 1, mentionsMe: false } as const

const knownOf = (state: ChatState, { id }: ModelConversation) => state.conversations.get(id)!

function synced(state: ChatState, model: ModelConversation): ChatState {
  const asked = questionOf(state, state.conversations.keys())
  return applySync(state, asked, model.answer(asked))
}

describe('a state', () => {
  test('forgets on reload what it kept: an old message that has changed meanwhile is not left as it was', () => {
    const model = new ModelConversation()
    for (let count = 0; count < 5; count++) model.happen(send)
    let state = start
    state = synced(state, model)
    state = withHistory(state, model.id, { messages: model.now.messages, moment: state.moment })
    expect(knownOf(state, model).messages).toHaveLength(5)
    model.happen({ kind: 'edit', place: 0, mentionsMe: false })
    for (let count = 0; count < 8; count++) model.happen(send)
    state = synced(state, model)
    expect(knownOf(state, model).messages).toEqual(model.now.messages.slice(-3))
  })

  test('has no hole: what a reload has left out stays out until it is loaded, though it changes', () => {
    const model = new ModelConversation()
    for (let count = 0; count < 8; count++) model.happen(send)
    let state = synced(start, model)
    const newest = model.now.messages.slice(-3)
    model.happen({ kind: 'edit', place: 0, mentionsMe: false })
    state = applyEvent(state, model.events.at(-1)!)
    expect(knownOf(state, model)).toMatchObject({ messages: newest, version: newest.at(-1)!.version + 1 })
    state = withHistory(state, model.id, { messages: model.now.messages.slice(0, 5), moment: state.moment })
    expect(knownOf(state, model).messages).toEqual(model.now.messages)
  })

  test('forgets what has expired, also when it is read or told late', () => {
    const model = new ModelConversation()
    for (let count = 0; count < 6; count++) model.happen(send)
    let state = synced(start, model)
    const read = { messages: model.now.messages, moment: state.moment }
    const late = model.events.at(-1)!
    model.happen({ kind: 'expire', count: 5 })
    state = applyEvent(state, model.events.at(-1)!)
    expect(knownOf(state, model).messages.map(({ sequence }) => sequence)).toEqual([6])
    expect(knownOf(state, model).conversation.me?.unreadCount).toBe(1)
    state = applyEvent(withHistory(state, model.id, read), late)
    expect(knownOf(state, model).messages.map(({ sequence }) => sequence)).toEqual([6])
    model.happen({ kind: 'expire', count: 1 })
    state = synced(state, model)
    expect(knownOf(state, model)).toMatchObject({
      messages: [],
      conversation: { lastMessage: null, firstKeptSequence: 7, me: { unreadCount: 0 } },
    })
  })

  test('takes no history that was read before a reload', () => {
    const model = new ModelConversation()
    for (let count = 0; count < 5; count++) model.happen(send)
    let state = synced(start, model)
    const read = { messages: model.now.messages, moment: state.moment }
    model.happen({ kind: 'edit', place: 0, mentionsMe: false })
    for (let count = 0; count < 8; count++) model.happen(send)
    state = synced(state, model)
    expect(withHistory(state, model.id, read)).toBe(state)
  })

  test('is not moved by an event that is not the next, and then goes over what is there', () => {
    const model = new ModelConversation()
    const state = synced(start, model)
    for (let count = 0; count < 3; count++) model.happen(send)
    const [first, second, third] = model.events as [ChatEvent, ChatEvent, ChatEvent]
    const ahead = [third, second].reduce(applyEvent, state)
    expect(knownOf(ahead, model)).toMatchObject({ version: 1, heard: 4 })
    expect(knownOf(ahead, model).messages).toHaveLength(2)
    expect(knownOf(applyEvent(ahead, first), model)).toMatchObject({ version: 4, heard: 4 })
  })

  test('of a conversation that was added live starts at its version, and is whole when it has asked', () => {
    const model = new ModelConversation()
    model.happen({ kind: 'go', user: 0 })
    model.happen(send)
    model.happen({ kind: 'come', user: 0 })
    const added = model.events.reduce(applyEvent, start)
    expect(knownOf(added, model)).toMatchObject({ version: 4, conversation: { me: { unreadCount: 0 } } })
    expect(isWhole(knownOf(added, model))).toBe(false)
    const whole = synced(added, model)
    expect(isWhole(knownOf(whole, model))).toBe(true)
    expect(knownOf(whole, model).members.size).toBe(4)
    expect(knownOf(whole, model).messages).toEqual([])
  })

  test('shows nothing of an earlier membership that was told late', () => {
    const model = new ModelConversation()
    model.happen(send)
    const late = model.events.at(-1)!
    model.happen({ kind: 'go', user: 0 })
    model.happen({ kind: 'come', user: 0 })
    const added = model.events.find(({ name }) => name === 'ConversationAdded')!
    const state = [late, added].reduce(applyEvent, start)
    expect(knownOf(state, model).messages).toEqual([])
  })

  test('follows a database that has forgotten what it knew', () => {
    const model = new ModelConversation()
    for (let count = 0; count < 3; count++) model.happen(send)
    const state = synced(start, model)
    const asked = questionOf(state, [model.id])
    const older = model.answer({ conversations: [], moment: 0 }, 1).conversations[0]!
    const reset = applySync(state, asked, { conversations: [{ ...older, reload: true }], removed: [] })
    expect(knownOf(reset, model)).toMatchObject({ version: 2, conversation: { lastSequence: 1 } })
  })

  test('is of one user: another starts with nothing', () => {
    const state = synced(start, new ModelConversation())
    expect(applyEvent(state, welcome(me)).conversations).toBe(state.conversations)
    expect(applyEvent(state, welcome(others[0]!))).toEqual({ ...emptyState, userId: others[0] })
  })

  test('never changes what was given out', () => {
    const model = new ModelConversation()
    const state = synced(start, model)
    const before = structuredClone(state)
    for (let count = 0; count < 3; count++) model.happen(send)
    model.happen({ kind: 'come', user: 1 })
    model.events.reduce(applyEvent, state)
    synced(state, model)
    expect(state).toEqual(before)
  })

  test('counts a mention until it is read, here or on another device', () => {
    const model = new ModelConversation()
    let state = synced(start, model)
    model.happen({ ...send, mentionsMe: true })
    model.happen(send)
    model.happen({ kind: 'read', user: 0, back: 1 })
    const [mention, plain, read] = model.events as [ChatEvent, ChatEvent, ChatEvent]
    state = [mention, plain].reduce(applyEvent, state)
    expect(knownOf(state, model).conversation.me).toMatchObject({ unreadCount: 2, mentionCount: 1 })
    state = applyEvent(state, read)
    expect(knownOf(state, model).conversation.me).toMatchObject({ unreadCount: 1, mentionCount: 0 })
  })
})
