import { openChat, type Chat, type ChatState, type MessagePlace } from '@parley/client'
import type { Message } from '@parley/protocol'
import { expect, vi } from 'vitest'
import { tellingOf, type Device, type Hearing } from './device.ts'
import { expectHeard } from './hearing.ts'
import type { ModelTalk } from './model-talk.ts'
import { seenConversation, seenMessage } from './seen.ts'
import { conversationView, historyView } from './views.ts'

interface Visit {
  readonly chat: Chat
  readonly hearing: Hearing
}

interface OfMessage {
  readonly conversationId: string
  readonly messageId: string
  readonly emoji: string
  readonly text: string
  readonly mentions?: string[]
}

const placeOf = ({ conversationId, messageId: id }: OfMessage): MessagePlace => ({ conversationId, id })

/** What a chat has methods of its own for. */
const ofMessages: Readonly<Record<string, (chat: Chat, input: OfMessage) => Promise<Message>>> = {
  EditMessage(chat, input) {
    const { text, mentions } = input
    return chat.edit(placeOf(input), { text, ...(mentions !== undefined && { mentions }) })
  },
  DeleteMessage: (chat, input) => chat.remove(placeOf(input)),
  AddReaction: (chat, input) => chat.react(placeOf(input), input.emoji),
  RemoveReaction: (chat, input) => chat.unreact(placeOf(input), input.emoji),
}

const LIVE_TIMEOUT_MS = 20_000

/** The client of `packages/client`, which keeps the state while it is away. */
export class ChatDevice implements Device {
  readonly name: string
  readonly #open: { readonly url: string; readonly accessToken: string }
  readonly #userId: string
  readonly #talk: ModelTalk
  #visit: Visit | undefined
  #kept: ChatState | undefined

  constructor(place: { name: string; url: string; accessToken: string; userId: string; talk: ModelTalk }) {
    this.name = place.name
    this.#open = { url: place.url, accessToken: place.accessToken }
    this.#userId = place.userId
    this.#talk = place.talk
  }

  get isConnected(): boolean {
    return this.#visit !== undefined
  }

  async connect(): Promise<void> {
    const hearing: Hearing = { from: this.#talk.told(this.#userId).length, heard: [] }
    const chat = await openChat({
      ...this.#open,
      ...(this.#kept !== undefined && { state: this.#kept }),
      listen({ on }) {
        on('event', (name, payload) => {
          const telling = tellingOf(name, payload)
          if (telling !== undefined) hearing.heard.push(telling)
        })
      },
    })
    this.#visit = { hearing, chat }
  }

  async disconnect(): Promise<void> {
    const visit = this.#visit
    if (visit === undefined) return
    await this.close()
    this.#kept = structuredClone(visit.chat.state)
    expectHeard(visit.hearing, this.#talk.told(this.#userId), { isComplete: false })
  }

  /** Breaks the connection under the chat, which connects again by itself. */
  async interrupt(): Promise<void> {
    const { chat, hearing } = this.#visit!
    await chat.hub.connection.stop()
    const told = this.#talk.told(this.#userId)
    expectHeard(hearing, told, { isComplete: false })
    hearing.from = told.length
    hearing.heard.length = 0
    await vi.waitUntil(() => chat.status === 'live', { timeout: LIVE_TIMEOUT_MS, interval: 20 })
  }

  async close(): Promise<void> {
    const visit = this.#visit
    this.#visit = undefined
    await visit?.chat[Symbol.asyncDispose]()
  }

  /** Throws while the state is not what it should be. */
  expectComplete(): void {
    if (this.#visit === undefined) return
    expectHeard(this.#visit.hearing, this.#talk.told(this.#userId), { isComplete: true })
    expect(shownIn(this.#visit.chat.state, this.#userId), 'the state of a chat').toEqual(
      shownOf(this.#talk, this.#userId),
    )
  }

  ask: Device['ask'] = (name, input) => {
    const { chat } = this
    const ofMessage = ofMessages[name]
    return ofMessage === undefined ? chat.hub.invoke(name, input) : ofMessage(chat, input as OfMessage)
  }

  send: Device['send'] = ({ conversationId, ...draft }) => this.chat.send(conversationId, draft)

  get chat(): Chat {
    if (this.#visit === undefined) throw new Error(`${this.name} is not connected`)
    return this.#visit.chat
  }
}

/** What a chat shows of each conversation. Its own version lags: changes that only others may see raise it too. */
function shownIn(state: ChatState, userId: string) {
  const conversations = [...state.conversations.values()].toSorted((a, b) =>
    a.conversation.id < b.conversation.id ? -1 : 1,
  )
  return conversations.map(({ conversation, messages, members, receipts }) => {
    const current = [...members.values()].filter(({ leftAt }) => leftAt === null)
    const told = current.filter((member) => conversation.kind !== 'channel' || member.userId === userId)
    return {
      ...seenConversation(conversation),
      version: 'any',
      messages: messages.map(seenMessage),
      roles: byUser(current.map((member) => [member.userId, member.role])),
      reads: byUser(told.map((member) => [member.userId, receipts.get(member.userId)?.readSequence ?? 0])),
    }
  })
}

function shownOf(talk: ModelTalk, userId: string): ReturnType<typeof shownIn> {
  const conversations = talk.conversations.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return conversations.flatMap((conversation) => {
    const self = conversation.member(userId)
    if (self === undefined) return []
    const told = conversation.members.filter((member) => conversation.kind !== 'channel' || member === self)
    return {
      ...conversationView(conversation, self),
      version: 'any',
      messages: historyView(conversation, self),
      roles: byUser(conversation.members.map((member) => [member.userId, member.role])),
      reads: byUser(told.map((member) => [member.userId, member === self ? member.read : member.shownRead])),
    }
  })
}

const byUser = <Value>(entries: [string, Value][]) =>
  Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
