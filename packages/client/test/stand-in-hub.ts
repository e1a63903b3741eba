import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type {
  Conversation,
  HubEvent,
  HubEventName,
  InputOf,
  Message,
  operations,
  PresenceState,
  SentMessage,
} from '@parley/protocol'
import type { Chat } from '@parley/client'
import { createHubServer, HubError, HubRefusal, type HubConnection } from '@parley/signalr'
import type { SyncAnswer, SyncInput } from '../src/state/apply-sync.ts'

type Input<Name extends keyof typeof operations> = InputOf<(typeof operations)[Name]>

interface Kept {
  conversation: Conversation
  readonly messages: Message[]
  readonly addedAt: string
}

/** What goes wrong with a message that is sent, in the order of the attempts; then nothing. */
export type Mishap = 'lost before' | 'lost after' | 'overloaded' | 'forbidden'

/** A hub for one user and what others say: small, and as bad as it is told to be. */
export interface StandInHub extends AsyncDisposable {
  readonly url: string
  readonly userId: string
  readonly mishaps: Mishap[]
  /** Ids of all attempts to send, in the order in which they came. */
  readonly attempts: string[]
  readonly syncs: SyncInput[]
  readonly marks: { kind: string; conversationId: string; sequence: number }[]
  /** How many connections were welcomed. */
  readonly welcomes: () => number
  /** Whether live events are told: a hub that has lost its way to the others tells none. */
  isTelling: boolean
  /** So many events are gathered, and then told backwards and once more. */
  shuffled: number
  addConversation(): string
  removeConversation(conversationId: string): void
  /** Another user says something. */
  say(conversationId: string, text: string): Message
  messages(conversationId: string): readonly Message[]
  /** Messages before this sequence are not kept any more. */
  expire(conversationId: string, firstKeptSequence: number): void
  tell<Name extends HubEventName>(name: Name, payload: HubEvent<Name>): void
  /** Ends all connections, with a reason if one is given. `isForGood` asks the clients not to come back. */
  drop(isForGood?: boolean, error?: string): void
  /** What was asked about typing and presence, in the order of asking. */
  readonly asked: { readonly name: string; readonly about: string | readonly string[] }[]
  /** Happens before each answer about typing and presence; may refuse. */
  beforeCompany: ((name: string) => void | Promise<void>) | undefined
  refuseConnections: boolean
  /** Knows no access token. */
  isLocked: boolean
  /** So many times it is too busy to answer `Sync`. */
  busy: number
  /** How many requests were turned away. */
  readonly refused: () => number
}

const keptOf = ({ conversation, messages }: Kept): Message[] =>
  messages.filter(({ sequence }) => sequence >= conversation.firstKeptSequence)

/** Conversations in one answer. */
const PAGE = 250

const time = () => new Date().toISOString()

export async function startStandInHub(): Promise<StandInHub> {
  const userId = randomUUID()
  const stranger = randomUUID()
  const kept = new Map<string, Kept>()
  let [welcomes, refused] = [0, 0]
  let shuffling: [HubEventName, unknown][] = []

  const server = createHubServer<string>({
    path: '/hubs/chat',
    authenticate() {
      if (hub.isLocked) throw new HubRefusal(401)
      return userId
    },
    hub: {
      methods: {
        SendMessage: (connection, input) => sendMessage(connection, input as Input<'SendMessage'>),
        Sync: (_connection, input) => sync(input as SyncInput),
        MarkRead: (_connection, input) => mark('MarkRead', input as Input<'MarkRead'>),
        MarkDelivered: (_connection, input) => mark('MarkDelivered', input as Input<'MarkDelivered'>),
        ListConversations: (_connection, input) => list(input as Input<'ListConversations'>),
        EditMessage: (_connection, input) => editMessage(input as Input<'EditMessage'>),
        StartTyping: (_connection, input) => typing('StartTyping', input as Input<'StartTyping'>),
        StopTyping: (_connection, input) => typing('StopTyping', input as Input<'StopTyping'>),
        WatchPresence: async (_connection, input) => {
          const { userIds } = input as Input<'WatchPresence'>
          hub.asked.push({ name: 'WatchPresence', about: userIds })
          const states = userIds.map((id) => presenceOf(id, 'online'))
          await hub.beforeCompany?.('WatchPresence')
          return { states }
        },
        UnwatchPresence: (_connection, input) => {
          hub.asked.push({ name: 'UnwatchPresence', about: (input as Input<'UnwatchPresence'>).userIds })
          return {}
        },
        SetStatus: (_connection, input) => ({ status: 'online', text: null, until: null, ...(input as object) }),
        GetMessages: (_connection, input) => {
          const { conversationId, before, after, limit = 50 } = input as Input<'GetMessages'>
          const from = before ?? (after === undefined ? Infinity : after + 1)
          const { firstKeptSequence } = find(conversationId).conversation
          if (from < firstKeptSequence) throw new HubError('history_expired: What was there is not kept any more.')
          return {
            messages: keptOf(find(conversationId))
              .filter(({ sequence }) => sequence < (before ?? Infinity) && sequence > (after ?? 0))
              .slice(-limit),
          }
        },
      },
      onConnected(connection) {
        welcomes++
        connection.send('Welcome', { connectionId: connection.id, userId, serverTime: time() })
      },
    },
  })
  const http = createServer((request, response) => {
    if (!hub.refuseConnections) return server.handleRequest(request, response)
    refused++
    response.writeHead(503).end()
  })
  server.attach(http)
  const listening = Promise.withResolvers<void>()
  http.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise

  function find(conversationId: string): Kept {
    const found = kept.get(conversationId)
    if (found === undefined) throw new HubError('not_a_member: There is no such conversation.')
    return found
  }

  function store(conversationId: string, senderId: string, said: { id: string; text: string }): Message {
    const place = find(conversationId)
    const { me } = place.conversation
    const version = place.conversation.version + 1
    const message: Message = {
      ...said,
      conversationId,
      sequence: place.messages.length + 1,
      version,
      senderId,
      attachments: [],
      replyTo: null,
      mentions: [],
      reactions: [],
      createdAt: time(),
      editedAt: null,
      deletedAt: null,
    }
    place.messages.push(message)
    const readSequence = senderId === userId ? message.sequence : me!.readSequence
    const unreadCount = message.sequence - readSequence
    place.conversation = {
      ...place.conversation,
      version,
      lastSequence: message.sequence,
      lastMessage: message,
      me: { ...me!, readSequence, unreadCount },
    }
    if (hub.isTelling) hub.tell('MessageCreated', message)
    return message
  }

  function editMessage({ conversationId, messageId, text }: Input<'EditMessage'>): Message {
    const place = find(conversationId)
    const version = place.conversation.version + 1
    const message = { ...place.messages.find(({ id }) => id === messageId)!, text, version, editedAt: time() }
    place.messages[message.sequence - 1] = message
    place.conversation = { ...place.conversation, version }
    if (hub.isTelling) hub.tell('MessageUpdated', message)
    return message
  }

  function sendMessage(connection: HubConnection<string>, input: Input<'SendMessage'>): SentMessage {
    const { conversationId, id, text } = input
    hub.attempts.push(id)
    const mishap = hub.mishaps.shift()
    if (mishap === 'overloaded') throw new HubError('overloaded: Too much to do at the moment.')
    if (mishap === 'forbidden') throw new HubError('forbidden: You may not do this.')
    if (mishap === 'lost before') return cut(connection)
    const known = find(conversationId).messages.find((message) => message.id === id)
    if (known !== undefined) return { ...known, duplicate: true }
    const wasTelling = hub.isTelling
    if (mishap === 'lost after') hub.isTelling = false
    const message = store(conversationId, userId, { id, text })
    hub.isTelling = wasTelling
    return mishap === 'lost after' ? cut(connection) : { ...message, duplicate: false }
  }

  function cut(connection: HubConnection<string>): never {
    connection.close({ allowReconnect: true })
    throw new HubError('internal: The reply is lost.')
  }

  function sync(input: SyncInput): SyncAnswer {
    if (hub.busy > 0) {
      hub.busy--
      throw new HubError('unavailable: The service cannot answer now.')
    }
    hub.syncs.push(input)
    const named = new Map(input.conversations.map(({ id, version }) => [id, version]))
    const isAsked = ({ conversation, addedAt }: Kept) =>
      named.has(conversation.id)
        ? named.get(conversation.id) !== conversation.version
        : input.partial !== true || addedAt > (input.since ?? '')
    const differing = [...kept.values()].filter(isAsked)
    return {
      conversations: differing.slice(0, PAGE).map(({ conversation, ...rest }) => ({
        conversation,
        messages: keptOf({ conversation, ...rest }).filter(
          ({ version }) => version > (named.get(conversation.id) ?? 0),
        ),
        members: [],
        receipts: [],
        to: conversation.version,
        reload: named.get(conversation.id) === 0,
      })),
      removed: [...named.keys()].filter((id) => !kept.has(id)),
      hasMore: differing.length > PAGE,
      nextCursor: null,
      serverTime: time(),
    }
  }

  function list({ cursor = '0', limit = 50 }: Input<'ListConversations'>) {
    const from = Number(cursor)
    const conversations = [...kept.values()].slice(from, from + limit).map(({ conversation }) => conversation)
    return { conversations, nextCursor: from + limit < kept.size ? String(from + limit) : null }
  }

  function mark(kind: string, input: Input<'MarkRead'>): object {
    find(input.conversationId)
    hub.marks.push({ kind, ...input })
    return {}
  }

  async function typing(name: string, { conversationId }: Input<'StartTyping'>): Promise<object> {
    hub.asked.push({ name, about: conversationId })
    await hub.beforeCompany?.(name)
    return {}
  }

  const hub: StandInHub = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    userId,
    mishaps: [],
    attempts: [],
    syncs: [],
    marks: [],
    asked: [],
    beforeCompany: undefined,
    welcomes: () => welcomes,
    isTelling: true,
    shuffled: 0,
    refuseConnections: false,
    isLocked: false,
    busy: 0,
    refused: () => refused,
    addConversation() {
      const conversation = newConversation(userId)
      kept.set(conversation.id, { conversation, messages: [], addedAt: time() })
      hub.tell('ConversationAdded', conversation)
      return conversation.id
    },
    removeConversation(conversationId) {
      kept.delete(conversationId)
      hub.tell('ConversationRemoved', { conversationId })
    },
    say: (conversationId, text) => store(conversationId, stranger, { id: randomUUID(), text }),
    messages: (conversationId) => find(conversationId).messages,
    expire(conversationId, firstKeptSequence) {
      const place = find(conversationId)
      const { me, ...conversation } = place.conversation
      const unreadCount = conversation.lastSequence - Math.max(me!.readSequence, firstKeptSequence - 1)
      const version = conversation.version + 1
      const isAllGone = conversation.lastSequence < firstKeptSequence
      const changed = { ...conversation, version, firstKeptSequence, ...(isAllGone && { lastMessage: null }) }
      place.conversation = { ...changed, me: { ...me!, unreadCount } }
      if (hub.isTelling) hub.tell('ConversationUpdated', { ...changed, lastMessage: null })
    },
    tell(name, payload) {
      if (hub.shuffled === 0) return server.clients.all.send(name, payload)
      shuffling.push([name, payload])
      if (shuffling.length < hub.shuffled) return
      for (const told of [...shuffling.toReversed(), ...shuffling]) server.clients.all.send(...told)
      shuffling = []
    },
    drop(isForGood = false, error) {
      for (const connection of server.connections.values()) {
        connection.close({ allowReconnect: !isForGood, ...(error === undefined ? {} : { error }) })
      }
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      const closed = Promise.withResolvers<void>()
      http.close(() => closed.resolve())
      http.closeAllConnections()
      await closed.promise
    },
  }
  return hub
}

/** Drops a chat's connection, and answers when the chat knows it: who asks later may find it back already. */
export async function dropUntilNoticed(hub: StandInHub, chat: Chat): Promise<void> {
  const noticed = Promise.withResolvers<void>()
  const stop = chat.on('status', () => noticed.resolve())
  hub.drop()
  await noticed.promise
  stop()
}

export const presenceOf = (userId: string, status: PresenceState['status']): PresenceState => ({
  userId,
  status,
  text: null,
  lastSeenAt: null,
})

const newConversation = (userId: string): Conversation => ({
  id: randomUUID(),
  kind: 'group',
  title: 'Stand-in',
  avatarUrl: null,
  historyVisibility: 'joined',
  archivedAt: null,
  createdBy: userId,
  createdAt: time(),
  version: 1,
  lastSequence: 0,
  lastMessage: null,
  memberCount: 2,
  capabilities: { typing: true, receipts: 'members', presence: true },
  retentionDays: 365,
  firstKeptSequence: 1,
  me: {
    role: 'owner',
    joinedSequence: 0,
    deliveredSequence: 0,
    readSequence: 0,
    unreadCount: 0,
    mentionCount: 0,
    mutedUntil: null,
  },
})
