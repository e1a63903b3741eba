import { transferFormats, type TransportName } from '../transport/transport-name.ts'
import type { ConnectionTokens } from './connection-tokens.ts'
import type { RequestTarget } from './request-target.ts'

/** The answer to a negotiate request, and the connection it announces, if it does. */
export interface Negotiation {
  readonly body: object
  readonly announced: { readonly connectionId: string; readonly isStateful: boolean } | undefined
}

export interface NegotiationTerms {
  readonly tokens: ConnectionTokens
  /** In the order in which they are offered. */
  readonly transports: readonly TransportName[]
  readonly allowStatefulReconnect: boolean
}

/** A version that cannot be served is no HTTP error: the client's start fails with exactly this text. */
export function negotiate(query: RequestTarget['query'], terms: NegotiationTerms): Negotiation {
  const negotiateVersion = query('negotiateversion')
  if (negotiateVersion !== undefined && !INTEGER.test(negotiateVersion)) {
    return refused(`The client requested an invalid protocol version '${negotiateVersion}'`)
  }
  const version = Number(negotiateVersion ?? 0)
  if (version < 0) {
    return refused(`The client requested version '${version}', but the server does not support this version.`)
  }
  const { tokens, transports, allowStatefulReconnect } = terms
  const isStateful =
    query('usestatefulreconnect')?.toLowerCase() === 'true' &&
    allowStatefulReconnect &&
    transports.includes('WebSockets')
  const { connectionId, connectionToken } = tokens.mint({ isStateful })
  const body = {
    negotiateVersion: Math.min(version, 1),
    // In version 0 the id is all that a client gets and presents, so it has to be the secret.
    ...(version === 0 ? { connectionId: connectionToken } : { connectionId, connectionToken }),
    // Clients that have not asked for it do not take it.
    ...(isStateful ? { useStatefulReconnect: true } : {}),
    availableTransports: transports.map((transport) => ({ transport, transferFormats: transferFormats[transport] })),
  }
  return { body, announced: { connectionId, isStateful } }
}

const INTEGER = /^\s*[+-]?\d{1,9}\s*$/

const refused = (error: string): Negotiation => ({ announced: undefined, body: { error } })
