import type {
  HubEvent,
  HubEventName,
  InputOf,
  Message,
  operations,
  SentMessage,
  SetStatus,
  Status,
  Upload,
} from '@parley/protocol'
import type { Hub } from './hub.ts'
import type { PendingMessage } from './outbox.ts'
import type { ChatState } from './state/chat-state.ts'
import type { FileToUpload } from './upload-file.ts'

/** A message to be sent. `id` only to send one again that an earlier process could not. */
export type Draft = Omit<PendingMessage, 'conversationId' | 'id'> & { readonly id?: string }

/** `live` when all that was missed is here: from then on it is told what happens as it happens. */
export type ChatStatus = 'connecting' | 'syncing' | 'live' | 'closed'

export interface ChatListeners {
  /** Something is different in a conversation or in what is pending there; in any of them when none is named. */
  change: (state: ChatState, conversationId: string | undefined) => void
  /** Every event of the hub, as it came and before it is applied. */
  event: <Name extends HubEventName>(name: Name, payload: HubEvent<Name>) => void
  status: (status: ChatStatus) => void
  /** An attempt to connect or to sync has failed. Another follows. */
  error: (error: unknown) => void
}

type Page = Omit<InputOf<(typeof operations)['GetMessages']>, 'conversationId'>

/** A user's conversations, kept as they are on the server over every loss of the connection. Disposing closes it. */
export interface Chat extends AsyncDisposable {
  /** All that is known now. It is never changed, but replaced. */
  readonly state: ChatState
  readonly status: ChatStatus
  /** Why the server has closed it for good; it connects no more then. */
  readonly ended: Exclude<HubEvent<'SessionEnding'>['reason'], 'token_expiring'> | undefined
  /** For all other operations. It refuses while there is no connection. */
  readonly hub: Pick<Hub, 'invoke' | 'connection'>
  /** The messages of this process that are not acknowledged, in the order in which they go. */
  pending(conversationId: string): readonly PendingMessage[]
  /**
   * Sends until the server has acknowledged it, over any number of connections, with one id: it is stored once. Rejects with a
   * `RefusedError` when the server will not have it, and when the chat is closed before it is known.
   */
  send(conversationId: string, draft: Draft): Promise<SentMessage>
  edit(message: MessagePlace, change: { text: string; mentions?: string[] }): Promise<Message>
  remove(message: MessagePlace): Promise<Message>
  react(message: MessagePlace, emoji: string): Promise<Message>
  unreact(message: MessagePlace, emoji: string): Promise<Message>
  /**
   * Older messages, or those between; they are kept in the state too. None when all before that place has expired. Rejects with
   * `history_expired` when what follows a place has.
   */
  loadMessages(conversationId: string, page: Page): Promise<readonly Message[]>
  /** The user has read all up to this sequence. That messages are delivered is told without being asked. */
  markRead(conversationId: string, sequence: number): void
  /** The user types: to be called with every keystroke. It ends with the message, and 5 s after the last call. */
  startTyping(conversationId: string): void
  stopTyping(conversationId: string): void
  /**
   * From now on `state.presence` has how these users are, over every loss of the connection. Resolves when it does; rejects
   * when they would be too many, and when the chat is closed before.
   */
  watchPresence(userIds: readonly string[]): Promise<void>
  unwatchPresence(userIds: readonly string[]): void
  /** Resolves when a file is ready to be sent: its id goes into `attachments` of a draft. Rejects when the server will not have it. */
  upload(file: FileToUpload): Promise<Upload>
  setStatus(status: InputOf<typeof SetStatus>): Promise<Status>
  /** The answer ends it. */
  on<Name extends keyof ChatListeners>(name: Name, listener: ChatListeners[Name]): () => void
}

export type MessagePlace = Pick<Message, 'conversationId' | 'id'>
