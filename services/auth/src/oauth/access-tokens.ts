import jwt from 'jsonwebtoken'
import type Provider from 'oidc-provider'
import type { AccessToken, Client } from 'oidc-provider'
import { z } from 'zod'
import { isTokenRevoked } from '../store/revoked-tokens.ts'
import type { Db } from '../store/tables.ts'
import { API_AUDIENCE, API_RESOURCE, apiResource } from './api-resource.ts'
import { SIGNING_ALGORITHM, type SigningKeys } from './signing-keys.ts'

const Claims = z.object({
  iss: z.string(),
  aud: z.string(),
  sub: z.string(),
  client_id: z.string(),
  jti: z.string(),
  iat: z.int(),
  exp: z.int(),
  scope: z.string().optional(),
  sid: z.string().optional(),
  service: z.literal(true).optional(),
})
export type AccessTokenClaims = z.infer<typeof Claims>

/** A token for the API that did not come of a grant: there is nothing to refresh it with. */
export function newAccessToken(
  provider: Provider,
  options: { client: Client; accountId: string; scope: string; gty: string; sessionId: string | null },
): AccessToken {
  const { sessionId, ...properties } = options
  const token = new provider.AccessToken({ ...properties, grantId: sessionId ?? '' })
  token.resourceServer = new provider.ResourceServer(API_RESOURCE, apiResource)
  return token
}

/** What one of our access tokens says, or undefined when it is none, has expired or was taken back. */
export async function findAccessToken(
  token: string,
  options: { issuer: string; keys: SigningKeys; db: Db },
): Promise<AccessTokenClaims | undefined> {
  const claims = claimsOfAccessToken(token, options)
  if (claims === undefined) return undefined
  const isRevoked = await isTokenRevoked(options.db, {
    userId: claims.sub,
    sessionId: claims.sid ?? null,
    tokenId: claims.jti,
    issuedAt: new Date(claims.iat * 1_000),
  })
  return isRevoked ? undefined : claims
}

function claimsOfAccessToken(
  token: string,
  options: { issuer: string; keys: SigningKeys },
): AccessTokenClaims | undefined {
  try {
    const header = jwt.decode(token, { complete: true })?.header
    const key = header?.kid === undefined ? undefined : options.keys.publicKeyOf(header.kid)
    if (key === undefined || header?.typ !== 'at+jwt') return undefined
    const claims = jwt.verify(token, key, {
      algorithms: [SIGNING_ALGORITHM],
      issuer: options.issuer,
      audience: API_AUDIENCE,
    })
    return Claims.parse(claims)
  } catch {
    return undefined
  }
}
