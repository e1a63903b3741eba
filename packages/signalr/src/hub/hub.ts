import type { Delivery } from '../connection/outbox.ts'
import type { Frame } from '../frame.ts'
import type { TransportName } from '../transport/transport-name.ts'

/** One client, from the end of its handshake on. */
export interface HubConnection<Identity, State = undefined> {
  /** Public: what clients and other servers may know it by. */
  readonly id: string
  /** What `authenticate` answered for the request that opened the connection, or what it was renewed with. */
  readonly identity: Identity
  /** The hub's own, made by `createState`. */
  readonly state: State
  /** What carries it. */
  readonly transport: TransportName
  /** Nothing reaches the client any more. True before `onDisconnected` comes, which waits for what still runs. */
  readonly hasEnded: boolean
  /** More than `lossyAboveBytes` wait for the client: what can be gathered should be. */
  readonly isSlow: boolean
  /**
   * Calls a method of the client, which does not answer. Nothing happens once the connection has ended. Throws if an
   * argument cannot be written in the client's protocol.
   */
  send(target: string, ...args: unknown[]): void
  /** The same with a frame made once for many connections. */
  sendFrame(frame: Frame, delivery?: Delivery): void
  /**
   * Calls a method of the client and resolves with its answer: `undefined` if that has no value. Rejects with a
   * `ClientError` that has the client's own words, with a `TimeoutError` when no answer has come in time (30 s unless
   * told otherwise, to a tick of the server), with the signal's reason, or with a `ConnectionEndedError`. May be awaited
   * inside hub methods and in `onConnected`.
   */
  invoke(target: string, args: readonly unknown[], options?: InvokeOptions): Promise<unknown>
  /** From now on it gets what is sent to the group, until it leaves or ends. Nothing happens once it has ended. */
  join(group: string): void
  leave(group: string): void
  /** The same user, known anew: with a later end, or other rights. Also who comes back to the connection is compared with it. */
  renewIdentity(identity: Identity): void
  /** Ends the connection behind what was sent. Without `allowReconnect` the client stays away for good. */
  close(options?: { error?: string; allowReconnect?: boolean }): void
}

export interface InvokeOptions {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
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
 * Answers an invocation: with a value or a promise, `undefined` being a completion without a result. An async generator
 * function answers with a stream. Arguments are what the client sent, as its protocol gives them: nothing about them has
 * been checked. Throw a `HubError` to tell the client why not.
 */
export type HubMethod<Identity, State = undefined> = (
  connection: HubConnection<Identity, State>,
  ...args: unknown[]
) => unknown

/** What a method gets beside its arguments. */
export interface MethodCall {
  /**
   * The streams that the client sends along, in its order. Each can be read once. Reading throws an `UploadError` with the
   * client's words if the client breaks the stream off, and a `ConnectionEndedError` if the connection ends before it.
   * What is not read when the method ends is dropped.
   */
  readonly uploads: readonly AsyncIterable<unknown>[]
  /** Aborted when the client cancels the invocation, and when its connection ends. */
  readonly signal: AbortSignal
}

/** A method of which there is more to say than a bare function can. */
export interface DeclaredMethod<Identity, State = undefined> {
  /** How many streams the client sends along, none by default. A call with another number is refused. */
  readonly uploads?: number
  /** It answers with an async iterable, or a promise of one. An async generator function needs not say so. */
  readonly streams?: boolean
  run(connection: HubConnection<Identity, State>, args: readonly unknown[], call: MethodCall): unknown
}

interface Hooks<Identity, State> {
  /** What clients can invoke. Names are matched without regard to case; only the object's own properties count. */
  readonly methods: Readonly<Record<string, HubMethod<Identity, State> | DeclaredMethod<Identity, State>>>
  /** Whether the client may invoke the method, which is named as in `methods`. Asked before each invocation. */
  authorize?(connection: HubConnection<Identity, State>, methodName: string): boolean | Promise<boolean>
  /**
   * Runs before any invocation of the connection. If it throws, the connection is closed for good: a `HubError` tells
   * why.
   */
  onConnected?(connection: HubConnection<Identity, State>): unknown
  /**
   * Comes exactly once for each connection that came to `onConnected`: after it, and after its last invocation, or
   * `invocationGraceMs` after the end.
   */
  onDisconnected?(connection: HubConnection<Identity, State>, reason: DisconnectReason): unknown
}

export type Hub<Identity, State = undefined> = Hooks<Identity, State> &
  (undefined extends State ? { createState?(identity: Identity): State } : { createState(identity: Identity): State })
