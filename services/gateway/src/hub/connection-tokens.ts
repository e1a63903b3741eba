import { randomBytes } from 'node:crypto'
import type { GatewayRouting } from '@parley/routing'
import type { ConnectionTokens } from '@parley/signalr'
import { signingFor } from '../identity/signing.ts'

/** How long a negotiated client may take to connect. */
const LIFETIME_MS = 15_000
const ID_BYTES = 16

/**
 * Connection tokens that any gateway can read, so that a client may negotiate with one and connect to another: no sticky
 * sessions. `<connection id>.<gateway id>.<stateful or plain>.<expiry, ms>.<signature>`. A gateway knows its own tokens by
 * every id it ever had: connections outlive its lease.
 */
export function signedTokens(options: {
  secret: string
  routing: Pick<GatewayRouting, 'gatewayId' | 'isSelf'>
  now: () => number
}): ConnectionTokens {
  const { routing, now } = options
  const signing = signingFor('connection token', options.secret)

  return {
    mint({ isStateful }) {
      const connectionId = randomBytes(ID_BYTES).toString('base64url')
      const kind = isStateful ? 'stateful' : 'plain'
      const signed = [connectionId, routing.gatewayId, kind, now() + LIFETIME_MS].join('.')
      return { connectionId, connectionToken: signing.sign(signed) }
    },
    read(token) {
      const parts = signing.read(token)?.split('.')
      if (parts === undefined) return null
      const [connectionId = '', home = '', kind, expiresAtMs] = parts
      return {
        connectionId,
        isStateful: kind === 'stateful',
        home: routing.isSelf(Number(home)) ? undefined : home,
        isExpired: Number(expiresAtMs) < now(),
      }
    },
  }
}
