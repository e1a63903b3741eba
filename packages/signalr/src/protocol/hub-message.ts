/** The numbers by which the hub protocol names its nine kinds of message. */
export const MessageType = {
  invocation: 1,
  streamItem: 2,
  completion: 3,
  streamInvocation: 4,
  cancelInvocation: 5,
  ping: 6,
  close: 7,
  ack: 8,
  sequence: 9,
} as const

/** Accepted and ignored by every known implementation. */
export type MessageHeaders = Readonly<Record<string, string>>

export interface Invocation {
  readonly type: typeof MessageType.invocation
  readonly headers?: MessageHeaders
  /** Missing: the caller wants no reply of any kind, not even an error. */
  readonly invocationId?: string
  readonly target: string
  readonly arguments: readonly unknown[]
  readonly streamIds?: readonly string[]
}

export interface StreamItem {
  readonly type: typeof MessageType.streamItem
  readonly headers?: MessageHeaders
  readonly invocationId: string
  readonly item: unknown
}

/** With `error`: failed. With `result`, which may be null: done, with a value. With neither: done, with none. */
export interface Completion {
  readonly type: typeof MessageType.completion
  readonly headers?: MessageHeaders
  readonly invocationId: string
  readonly result?: unknown
  readonly error?: string
}

export interface StreamInvocation extends Omit<Invocation, 'type' | 'invocationId'> {
  readonly type: typeof MessageType.streamInvocation
  readonly invocationId: string
}

export interface CancelInvocation {
  readonly type: typeof MessageType.cancelInvocation
  readonly headers?: MessageHeaders
  readonly invocationId: string
}

export interface Ping {
  readonly type: typeof MessageType.ping
}

/** Without `allowReconnect` the official clients stop for good, even with automatic reconnect. */
export interface Close {
  readonly type: typeof MessageType.close
  readonly error?: string
  readonly allowReconnect?: boolean
}

export interface Ack {
  readonly type: typeof MessageType.ack
  readonly sequenceId: number
}

export interface Sequence {
  readonly type: typeof MessageType.sequence
  readonly sequenceId: number
}

export type HubMessage =
  | Invocation
  | StreamItem
  | Completion
  | StreamInvocation
  | CancelInvocation
  | Ping
  | Close
  | Ack
  | Sequence

/** Whether stateful reconnect numbers a message: calls, streams and their ends; not what is about the connection itself. */
export const isCounted = (message: HubMessage): boolean => message.type <= MessageType.cancelInvocation
