import type { Resumable } from '../stateful/resumable-transport.ts'
import type { OpenTransport } from '../transport/transport.ts'
import type { TransportName } from '../transport/transport-name.ts'

/** A connection, as far as the front door has to know it. */
export interface Tenant<Identity> {
  /** Of the request that opened it, or what it was renewed with. */
  readonly identity: Identity
  readonly transport: TransportName
  /** It waits for its transport to close, and hears nothing more. */
  readonly hasEnded: boolean
  /** By which its client may come back with another WebSocket, if that was negotiated. */
  readonly resumable?: Resumable | undefined
}

export interface Opening<Identity> {
  readonly connectionId: string
  readonly identity: Identity
  readonly transport: TransportName
  /** Stateful reconnect was negotiated. */
  readonly isStateful: boolean
  /** To be called once, at once. */
  readonly openTransport: OpenTransport
}

/** What is behind the front door: whatever lives on connections. */
export interface House<Identity> {
  /** Takes no new connections. */
  readonly isStopping: boolean
  /** From its opening until its transport has closed. */
  find(connectionId: string): Tenant<Identity> | undefined
  /** Synchronous, so that no other request comes between. */
  open(opening: Opening<Identity>): void
}
