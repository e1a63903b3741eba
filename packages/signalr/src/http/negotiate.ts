import type { ConnectionTokens } from '../connection-tokens.ts'

/** The answer to a negotiate request, and the public id of the connection it announces, if it does. */
export interface Negotiation {
  readonly body: object
  readonly connectionId: string | undefined
}

const availableTransports = [{ transport: 'WebSockets', transferFormats: ['Text', 'Binary'] }]

/** A version that cannot be served is no HTTP error: the client's start fails with exactly this text. */
export function negotiate(negotiateVersion: string | undefined, tokens: ConnectionTokens): Negotiation {
  if (negotiateVersion !== undefined && !INTEGER.test(negotiateVersion)) {
    return refused(`The client requested an invalid protocol version '${negotiateVersion}'`)
  }
  const version = Number(negotiateVersion ?? 0)
  if (version < 0) {
    return refused(`The client requested version '${version}', but the server does not support this version.`)
  }
  const { connectionId, connectionToken } = tokens.mint()
  // In version 0 the id is all that a client gets and presents, so it has to be the secret.
  const ids = version === 0 ? { connectionId: connectionToken } : { connectionId, connectionToken }
  return { connectionId, body: { negotiateVersion: Math.min(version, 1), ...ids, availableTransports } }
}

const INTEGER = /^\s*[+-]?\d{1,9}\s*$/

const refused = (error: string): Negotiation => ({ connectionId: undefined, body: { error } })
