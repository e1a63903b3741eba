import { hubEvents, type HubEventName, type Message, type SentMessage } from '@parley/protocol'
import type { Chat, ChatListeners, ChatStatus, Draft } from './chat.ts'
import { createCompany } from './company.ts'
import { createHub, type Hub, type HubOptions } from './hub.ts'
import { Listeners } from './listeners.ts'
import { Marks } from './marks.ts'
import { messageRequests } from './message-requests.ts'
import { newMessageId } from './message-id.ts'
import { Outbox } from './outbox.ts'
import { StandingConnection } from './standing-connection.ts'
import { applyEvent, withConversation, withMessage } from './state/apply-event.ts'
import { applySync, withHistory } from './state/apply-sync.ts'
import { emptyState, type ChatEvent, type ChatState } from './state/chat-state.ts'
import { withoutCompany } from './state/without-company.ts'
import { Synchronizer } from './synchronizer.ts'
import { uploadFile } from './upload-file.ts'

export interface ChatOptions extends HubOptions {
  /** What an earlier chat of the same user has kept: only what has changed since is asked for. */
  state?: ChatState
  /** Called before the connection starts, for listeners that must not miss the first events. */
  listen?: (chat: Pick<Chat, 'on'>) => void
  /** Gives up opening, as closing does. */
  signal?: AbortSignal
}

/**
 * Connects and does not give up; resolves when everything is here. Rejects when the server does not know the access token or ends
 * the session, or when `signal` is given.
 */
export async function openChat(options: ChatOptions): Promise<Chat> {
  const { signal } = options
  signal?.throwIfAborted()
  const opened = Promise.withResolvers<void>()
  const chat = startChat(options, opened)
  const abort = () => opened.reject(signal?.reason)
  signal?.addEventListener('abort', abort)
  try {
    await opened.promise
    return chat
  } catch (error) {
    await chat[Symbol.asyncDispose]()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

const isNotLetIn = (error: unknown): boolean => /Status code '40[13]'/.test(String(error))

/** Puts the parts together: what is told goes into the state, and from there to who needs it. */
function startChat(options: ChatOptions, opened: PromiseWithResolvers<void>): Chat {
  let state = withoutCompany(options.state ?? emptyState)
  let status: ChatStatus = 'connecting'
  let ended: Chat['ended']
  let closing: Promise<void> | undefined
  let welcomedAt = ''
  /** What the server's clock shows more than this one. */
  let aheadMs = 0
  const listeners: { [Name in keyof ChatListeners]: Listeners<Parameters<ChatListeners[Name]>> } = {
    change: new Listeners(),
    event: new Listeners(),
    status: new Listeners(),
    error: new Listeners(),
  }
  const on: Chat['on'] = (name, listener) => listeners[name].add(listener as never)
  options.listen?.({ on })
  const hub: Hub = createHub(options)

  const become = (next: ChatStatus) => {
    if (status === next || status === 'closed') return
    status = next
    listeners.status.tell(status)
  }
  const changed = (conversationId?: string) => listeners.change.tell(state, conversationId)

  const outbox = new Outbox({ send, isOpen: () => connection.isOpen, changed })
  const marks = new Marks({ tell: (kind, mark) => hub.invoke(kind, mark), isOpen: () => connection.isOpen })
  const synchronizer = new Synchronizer({
    hub,
    state: () => state,
    answered(asked, answer) {
      const before = state.conversations
      state = applySync(state, asked, answer)
      for (const { conversation, messages } of answer.conversations) {
        if (!before.has(conversation.id)) markAgain(conversation.id)
        looked(conversation.id, messages)
      }
      if (answer.conversations.length + answer.removed.length > 0) changed()
    },
    listed(asked, conversations) {
      for (const conversation of conversations) {
        if ((state.goneAt.get(conversation.id) ?? 0) > asked.moment) continue
        state = withConversation(state, conversation)
        looked(conversation.id, [])
      }
      changed()
    },
    complete(since) {
      // What is not known by now is not the user's, or comes as new, and then asks for itself.
      state = { ...state, since, early: new Map() }
      become('live')
      marks.repeat()
      for (const conversationId of state.conversations.keys()) looked(conversationId, [])
      opened.resolve()
    },
    failed: (error) => listeners.error.tell(error),
  })
  const company = createCompany({
    hub,
    isOpen: () => connection.isOpen,
    state: () => state,
    become(next, conversationId) {
      if (status === 'closed' || next === state) return
      state = next
      changed(conversationId)
    },
    serverTime: () => Date.now() + aheadMs,
  })
  const connection = new StandingConnection(hub.connection, {
    began(signal) {
      become('syncing')
      synchronizer.begin({ signal, welcomedAt })
      outbox.resume()
      company.begin(signal)
    },
    ended() {
      synchronizer.end()
      become('connecting')
    },
    failed(error) {
      listeners.error.tell(error)
      if (isNotLetIn(error)) opened.reject(error)
    },
  })
  for (const name of Object.keys(hubEvents) as HubEventName[]) {
    hub.on(name, (payload) => {
      if (connection.isUp) hear({ name, payload } as ChatEvent)
    })
  }

  function hear(event: ChatEvent): void {
    const { name, payload } = event
    listeners.event.tell(name, payload)
    state = applyEvent(state, name === 'PresenceChanged' ? { name, payload: company.told(payload) } : event)
    switch (name) {
      case 'Welcome':
        welcomedAt = payload.serverTime
        aheadMs = Date.parse(welcomedAt) - Date.now()
        changed()
        connection.welcomed()
        return
      case 'SyncRequired':
        synchronizer.require(payload.conversationIds)
        return
      case 'PresenceChanged':
        changed()
        return
      case 'SessionEnding':
        if (payload.reason === 'token_expiring') return
        ended = payload.reason
        opened.reject(new Error(`the server has ended the session: ${ended}`))
        close().catch((error: unknown) => listeners.error.tell(error))
        return
      case 'Typing':
        company.typed()
        changed(payload.conversationId)
        return
      case 'MessageCreated':
        looked(payload.conversationId, [payload])
        changed(payload.conversationId)
        return
      case 'ConversationAdded':
        markAgain(payload.id)
        looked(payload.id, [])
        changed(payload.id)
        return
      case 'ConversationUpdated':
        looked(payload.id, [])
        changed(payload.id)
        return
      case 'MediaReady':
      case 'MediaRejected':
        return
      case 'ConversationRemoved':
      case 'MessageUpdated':
      case 'MemberJoined':
      case 'MemberLeft':
      case 'MemberChanged':
      case 'ReceiptsUpdated':
        looked(payload.conversationId, [])
        changed(payload.conversationId)
    }
  }

  /** After something was told of a conversation: what it acknowledges, what it lacks, and that it is here. */
  function looked(conversationId: string, messages: readonly Message[]): void {
    for (const message of messages) if (message.senderId === state.userId) outbox.stored(message)
    const known = state.conversations.get(conversationId)
    if (known === undefined) {
      if (state.early.has(conversationId)) synchronizer.lookForUnknown()
      return
    }
    synchronizer.look(known)
    const last = known.messages.at(-1)
    const delivered = known.conversation.me?.deliveredSequence
    if (status !== 'live' || last === undefined || delivered === undefined || last.sequence <= delivered) return
    mark('MarkDelivered', conversationId, last.sequence)
  }

  function mark(kind: 'MarkDelivered' | 'MarkRead', conversationId: string, sequence: number): void {
    const { userId } = state
    if (userId === undefined) return
    const own = { userId, deliveredSequence: sequence, readSequence: kind === 'MarkRead' ? sequence : 0 }
    state = applyEvent(state, { name: 'ReceiptsUpdated', payload: { conversationId, receipts: [own] } })
    marks.made(kind, conversationId, sequence)
  }

  /** A conversation that went and came back as it was before a mark: nobody echoes a mark to the device that made it. */
  function markAgain(conversationId: string): void {
    for (const { kind, sequence } of marks.take(conversationId)) mark(kind, conversationId, sequence)
  }

  function keepHistory(conversationId: string, read: { messages: readonly Message[]; moment: number }): void {
    if (status === 'closed') return
    state = withHistory(state, conversationId, read)
    changed(conversationId)
  }

  async function send(message: Parameters<Outbox['add']>[0]): Promise<SentMessage> {
    const sent = await hub.invoke('SendMessage', message)
    const { duplicate: _, ...stored } = sent
    keep(stored)
    return sent
  }

  function keep(message: Message): void {
    if (status === 'closed') return
    state = withMessage(state, message)
    changed(message.conversationId)
  }

  function close(): Promise<void> {
    become('closed')
    outbox.close()
    marks.close()
    company.close(new Error('the chat was closed'))
    synchronizer.end()
    closing ??= connection.stop()
    return closing
  }

  return {
    hub,
    get ended() {
      return ended
    },
    get state() {
      return state
    },
    get status() {
      return status
    },
    upload: (file) => uploadFile(options, file),
    pending: (conversationId) => outbox.pending(conversationId),
    send(conversationId, { id = newMessageId(Date.now() + aheadMs), ...draft }: Draft) {
      company.said(conversationId)
      return outbox.add({ ...draft, conversationId, id })
    },
    ...messageRequests(hub, { moment: () => state.moment, keep, keepHistory }),
    markRead(conversationId, sequence) {
      const known = state.conversations.get(conversationId)?.conversation
      if (known === undefined || sequence <= (known.me?.readSequence ?? 0)) return
      mark('MarkRead', conversationId, Math.min(sequence, known.lastSequence))
      changed(conversationId)
    },
    startTyping: company.startTyping,
    stopTyping: company.stopTyping,
    watchPresence: company.watchPresence,
    unwatchPresence: company.unwatchPresence,
    setStatus: company.setStatus,
    on,
    [Symbol.asyncDispose]: close,
  }
}
