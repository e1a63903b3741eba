import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { ConnectionTokens } from '@parley/signalr'

/** How long a negotiated client may take to connect. */
const LIFETIME_MS = 15_000
const ID_BYTES = 16

/**
 * Connection tokens that any gateway can read, so that a client may negotiate with one and connect to another: no sticky
 * sessions. `<connection id>.<gateway>.<expiry, ms>.<signature>`, signed with the secret that all gateways have.
 */
export function signedTokens(options: { secret: string; now: () => number }): ConnectionTokens {
  const { secret, now } = options
  const self = randomBytes(8).toString('base64url')
  const sign = (signed: string) => createHmac('sha256', secret).update(signed).digest()
  return {
    mint() {
      const connectionId = randomBytes(ID_BYTES).toString('base64url')
      const signed = `${connectionId}.${self}.${now() + LIFETIME_MS}`
      return { connectionId, connectionToken: `${signed}.${sign(signed).toString('base64url')}` }
    },
    read(token) {
      const [connectionId = '', gateway = '', expiresAt = '', signature = '', ...more] = token.split('.')
      const given = Buffer.from(signature, 'base64url')
      const right = sign(`${connectionId}.${gateway}.${expiresAt}`)
      if (more.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return null
      const isForeign = gateway !== self
      // A token of one's own is held against the negotiations that wait here.
      return isForeign && Number(expiresAt) < now() ? null : { connectionId, isForeign }
    },
  }
}
