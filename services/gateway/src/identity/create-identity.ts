import type { Logger } from '@parley/runtime'
import { createSigningKeys, type SigningKeys } from './signing-keys.ts'
import { createVerifyToken, type VerifyToken } from './verify-token.ts'

/** Tells who the bearer of a token is, by the keys that `auth` serves. */
export function createIdentity(options: { authUrl: string; publicUrl: string; log: Logger }): {
  readonly keys: SigningKeys
  readonly verifyToken: VerifyToken
} {
  const { authUrl, publicUrl, log } = options
  const keys = createSigningKeys({ jwksUrl: `${authUrl}/oauth/jwks`, log })
  return { keys, verifyToken: createVerifyToken({ issuer: publicUrl, keys, log }) }
}
