import type { Message, SentMessage, User } from '@parley/protocol'
import type { SessionRecorder } from '../history/recorder.ts'
import type { Shown } from '../history/recording.ts'

/** A person in a test all of whose doings and hearings are recorded. What they do is tried until it is answered for certain. */
export interface Witness extends AsyncDisposable {
  readonly user: User
  readonly session: SessionRecorder
  /** Connected, and has caught up since. */
  readonly isSettled: boolean
  /** The conversations they have, as far as they know. */
  readonly conversationIds: readonly string[]
  messagesOf(conversationId: string): readonly Message[]
  /** Calls an operation of the hub, once, and records nothing. */
  invoke<Result>(method: string, input: object): Promise<Result>
  say(conversationId: string, text: string): Promise<SentMessage>
  edit(message: Message, text: string): Promise<void>
  remove(message: Message): Promise<void>
  react(message: Message, emoji: string, isThere: boolean): Promise<void>
  rename(conversationId: string, title: string): Promise<void>
  markRead(conversationId: string, sequence: number): void
  /** What they have, after reading older messages that were left out. */
  shown(): Promise<Shown[]>
}

/** The ways in which a witness changes something, each tried once. */
export interface Hands {
  edit(message: Message, text: string): Promise<unknown>
  remove(message: Message): Promise<unknown>
  react(message: Message, emoji: string): Promise<unknown>
  unreact(message: Message, emoji: string): Promise<unknown>
  rename(conversationId: string, title: string): Promise<unknown>
}
