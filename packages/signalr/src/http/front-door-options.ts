import type { IncomingMessage } from 'node:http'
import type { AbandonedSockets } from '../abandoned-sockets.ts'
import type { Counts } from '../figures.ts'
import type { Limits } from '../limits.ts'
import type { HubLog } from '../log.ts'
import type { TimingWheel } from '../timing-wheel.ts'
import type { TransportName } from '../transport/transport-name.ts'
import type { ConnectionTokens } from './connection-tokens.ts'
import type { Forwarding } from './forwarding.ts'

interface EntranceTimes {
  /** How long a negotiated client may take to connect. */
  readonly negotiationTimeoutMs?: number
  /** After so long a poll is answered although there is nothing to say. */
  readonly pollTimeoutMs?: number
  /** How long a client may be away, between two polls or between two sockets, before its connection ends. */
  readonly disconnectTimeoutMs?: number
  /** How long the body of a POST may take to arrive. */
  readonly bodyTimeoutMs?: number
}

/** How clients come to a server, whatever it does with them. */
export interface EntranceOptions<Identity> extends EntranceTimes {
  /** Where clients connect to: negotiate is below it. */
  readonly path: string
  /**
   * Who sends the request: asked for each request of a connection, which has this id from its first request on. Throw a
   * `HubRefusal`, usually of status 401, to turn it away.
   */
  authenticate(request: IncomingMessage, connectionId: string): Identity | Promise<Identity>
  /**
   * Whether a later request of a connection comes from the one who opened it. Without it, the connection token, which
   * nobody else knows, is enough.
   */
  isSameIdentity?(opened: Identity, presented: Identity): boolean
  /** Whether pages of this origin may connect: browsers do not stop them. Without it, all may. */
  allowOrigin?(origin: string | undefined): boolean
  readonly tokens?: ConnectionTokens
  /** What clients may come by, in the order in which they are to try it. All by default, WebSockets first. */
  readonly transports?: readonly TransportName[]
  /** Whether clients that ask for stateful reconnect get it. True by default. */
  readonly allowStatefulReconnect?: boolean
  /** Where requests go whose connection another server keeps. Without it, there are no such connections. */
  readonly forwarding?: Forwarding
  readonly log?: HubLog
}

export interface FrontDoorOptions<Identity> extends EntranceOptions<Identity> {
  readonly limits: Limits
  readonly wheel: TimingWheel
  readonly abandoned: AbandonedSockets
  readonly counts: Pick<Counts, 'turnedAway'>
}

export const entranceTimesMs = (options: EntranceTimes) => ({
  negotiation: options.negotiationTimeoutMs ?? 15_000,
  poll: options.pollTimeoutMs ?? 90_000,
  disconnect: options.disconnectTimeoutMs ?? 15_000,
  body: options.bodyTimeoutMs ?? 30_000,
})
