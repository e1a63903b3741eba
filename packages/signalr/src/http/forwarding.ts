import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * Passes requests on to the server that keeps their connection, when several servers share their clients and a balancer
 * in front of them knows nothing of connections. The request comes untouched: whoever keeps the connection checks it.
 * Both answer the request themselves, also when it cannot be passed on.
 */
export interface Forwarding {
  request(to: Elsewhere, request: IncomingMessage, response: ServerResponse): void
  upgrade(to: Elsewhere, request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** A connection on another server, as the reading of its token tells. */
export interface Elsewhere {
  readonly home: string
  readonly connectionId: string
}
