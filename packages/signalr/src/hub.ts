import type { Delivery } from './connection/outbox.ts'
import type { Frame } from './frame.ts'

/** One client, from the end of its handshake on. */
export interface HubConnection<Identity, State = undefined> {
  /** Public: what clients and other servers may know it by. */
  readonly id: string
  /** What `authenticate` answered for the request that opened the connection. */
  readonly identity: Identity
  /** The hub's own, made by `createState`. */
  readonly state: State
  /** Nothing reaches the client any more. True before `onDisconnected` comes, which waits for what still runs. */
  readonly hasEnded: boolean
  /**
   * Calls a method of the client, which does not answer. Nothing happens once the connection has ended. Throws if an
   * argument cannot be written as JSON.
   */
  send(target: string, ...args: unknown[]): void
  /** The same with a frame made once for many connections. */
  sendFrame(frame: Frame, delivery?: Delivery): void
  /** Ends the connection behind what was sent. Without `allowReconnect` the client stays away for good. */
  close(options?: { error?: string; allowReconnect?: boolean }): void
}

/**
 * Why a connection ended.
 * - `client closed`: in good order, by a Close message or a closing frame
 * - `lost`: broken off without a word
 * - `client timeout`: silent for too long
 * - `slow client`: too much waited for it, or for too long
 * - `protocol error`: it sent what is not the hub protocol, or too much of it
 * - `connect failed`: `onConnected` threw
 * - `server closed`: by `close`
 * - `server stopping`: by the server's `stop`
 */
export type DisconnectReason =
  | 'client closed'
  | 'lost'
  | 'client timeout'
  | 'slow client'
  | 'protocol error'
  | 'connect failed'
  | 'server closed'
  | 'server stopping'

/**
 * Answers an invocation: with a value or a promise, `undefined` being a completion without a result. Arguments are what
 * the client sent, as JSON gives them: nothing about them has been checked. Throw a `HubError` to tell the client why
 * not.
 */
export type HubMethod<Identity, State = undefined> = (
  connection: HubConnection<Identity, State>,
  ...args: unknown[]
) => unknown

interface Hooks<Identity, State> {
  /** What clients can invoke. Names are matched without regard to case; only the object's own properties count. */
  readonly methods: Readonly<Record<string, HubMethod<Identity, State>>>
  /**
   * Runs before any invocation of the connection. If it throws, the connection is closed for good: a `HubError` tells
   * why.
   */
  onConnected?(connection: HubConnection<Identity, State>): unknown
  /** Comes exactly once for each connection that came to `onConnected`: after it, and after its last invocation. */
  onDisconnected?(connection: HubConnection<Identity, State>, reason: DisconnectReason): unknown
}

export type Hub<Identity, State = undefined> = Hooks<Identity, State> &
  (undefined extends State ? { createState?(identity: Identity): State } : { createState(identity: Identity): State })
