import type { IncomingMessage } from 'node:http'
import { Refused } from '@parley/contracts'
import { refusals, type RefusalCode } from '@parley/protocol'
import { HubRefusal } from '@parley/signalr'
import { hubTokenOf } from './bearer-token.ts'
import type { ConnectionTickets } from './connection-tickets.ts'
import type { Identity } from './identity.ts'
import type { VerifyToken } from './verify-token.ts'

/** Turns a request of a connection away unless it has a good access token, or a ticket that is good for the connection. */
export function authenticateHub(options: {
  verifyToken: VerifyToken
  tickets: ConnectionTickets
  /** Whose an open connection is now. */
  identityOf: (connectionId: string) => Identity | undefined
}): (request: IncomingMessage, connectionId: string) => Promise<Identity> {
  const { verifyToken, tickets, identityOf } = options
  return async (request, connectionId) => {
    try {
      const token = hubTokenOf(request)
      if (!tickets.isTicket(token)) return await verifyToken(token, identityOf(connectionId))
      return await tickets.accept(token, { connectionId, origin: request.headers.origin })
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const code: RefusalCode = error.refusal.code
      throw new HubRefusal(refusals[code].status, error.message)
    }
  }
}
