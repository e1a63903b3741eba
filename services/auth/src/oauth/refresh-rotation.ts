import { createHmac, randomBytes } from 'node:crypto'
import Provider from 'oidc-provider'
import { deriveKey } from './secrets.ts'

const REFRESH_TOKEN_BYTES = 32

/** The refresh token that the request under way takes the place of. */
export const spentRefreshToken = (): string | undefined => Provider.ctx?.oidc.entities.RotatedRefreshToken?.jti

/**
 * Leads the library to make the next refresh token of the one that a request spends: always the same, and without the key
 * nobody can tell it. So it does not matter how often, where and between which failures one token is spent: there is one next
 * token, and whoever repeats the request gets it.
 */
export function deriveRefreshTokens(provider: Provider, secret: string): void {
  const key = deriveKey(secret, 'refresh-tokens')
  Object.assign(provider.RefreshToken.prototype, {
    generateTokenId(): string {
      const spent = spentRefreshToken()
      if (spent === undefined) return randomBytes(REFRESH_TOKEN_BYTES).toString('base64url')
      return createHmac('sha256', key).update(spent).digest('base64url')
    },
  })
}
