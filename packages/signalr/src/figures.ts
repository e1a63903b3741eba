import type { DisconnectReason } from './hub/hub.ts'
import type { TransportName } from './transport/transport-name.ts'

/** What a server has counted since its start, and what there is now. Nothing of it is kept for a single connection. */
export interface HubFigures {
  /** Connections that have shaken hands, by what carries them. */
  readonly connections: Readonly<Record<TransportName, number>>
  readonly opened: number
  /** Connections that ended before they had shaken hands. */
  readonly failedHandshakes: number
  /** Connections that have ended, by the reason. */
  readonly ended: Readonly<Partial<Record<DisconnectReason, number>>>
  /** Ephemeral frames that were dropped, and state frames that a newer one has replaced, because a client was slow. */
  readonly dropped: number
  readonly replaced: number
  /** Clients that were told to come back later. */
  readonly turnedAway: number
  /** Bytes that wait for clients. */
  readonly bufferedBytes: number
  /** While the server stops, the connections that are still to be closed; null before. */
  readonly leaving: number | null
}

/** Counted as it happens, for all connections together. */
export class Counts {
  opened = 0
  failedHandshakes = 0
  dropped = 0
  replaced = 0
  turnedAway = 0
  readonly ended: Partial<Record<DisconnectReason, number>> = {}

  countEnd(reason: DisconnectReason): void {
    this.ended[reason] = (this.ended[reason] ?? 0) + 1
  }
}
