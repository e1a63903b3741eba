import type { AbandonedSockets } from '../abandoned-sockets.ts'
import type { Counts } from '../figures.ts'
import type { Groups } from '../clients/groups.ts'
import type { Dispatcher } from '../hub/dispatcher.ts'
import type { Hub } from '../hub/hub.ts'
import type { Limits } from '../limits.ts'
import type { HubLog } from '../log.ts'
import type { HubProtocol } from '../protocol/hub-protocol.ts'
import type { TimingWheel } from '../timing-wheel.ts'
import type { Connection } from './connection.ts'
import type { FlushQueue } from './flush-queue.ts'
import type { HeartbeatIntervals } from './heartbeat.ts'
import type { InboxLimits } from './inbox.ts'

/** What all connections of a server share, and whom they tell about their life. */
export interface ConnectionHost<Identity, State> {
  readonly hub: Hub<Identity, State>
  readonly dispatcher: Dispatcher<Identity, State>
  readonly protocols: readonly HubProtocol[]
  readonly limits: Limits
  readonly inboxLimits: InboxLimits
  readonly intervals: HeartbeatIntervals
  readonly wheel: TimingWheel
  readonly flushes: FlushQueue
  readonly abandoned: AbandonedSockets
  readonly counts: Counts
  readonly groups: Groups<Connection<Identity, State>>
  /** For a call to any client: no two are the same. */
  nextInvocationId(): string
  readonly log: HubLog
  /** How long the hub methods of a connection that ends may take to finish. */
  readonly invocationGraceMs: number
  /** The handshake is done. */
  opened(connection: Connection<Identity, State>): void
  /** Nothing is sent or heard any more. `told` settles when the hub knows. */
  ended(connection: Connection<Identity, State>, told: Promise<void>): void
  /** The transport is gone too. */
  closed(connection: Connection<Identity, State>): void
}
