import type { ResourceServer } from 'oidc-provider'
import { ACCESS_TOKEN_SECONDS } from './lifetimes.ts'
import { SIGNING_ALGORITHM } from './signing-keys.ts'

/** What access tokens are for: Parley's API. Clients need not name it. */
export const API_RESOURCE = 'urn:parley:api'

export const API_AUDIENCE = 'parley'

/** What a client can ask for. `admin` is not among them. */
export const SCOPES = ['openid', 'profile', 'offline_access'] as const

/** Those of them that an access token carries. */
export const ACCESS_TOKEN_SCOPES = ['openid', 'profile'] as const

/** Access tokens are JWTs (RFC 9068), which the gateways verify without asking anyone. */
export const apiResource: ResourceServer = {
  audience: API_AUDIENCE,
  scope: ACCESS_TOKEN_SCOPES.join(' '),
  accessTokenFormat: 'jwt',
  accessTokenTTL: ACCESS_TOKEN_SECONDS,
  jwt: { sign: { alg: SIGNING_ALGORITHM } },
}
