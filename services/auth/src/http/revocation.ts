import type { Logger } from '@parley/runtime'
import type { Router } from 'express'
import type Provider from 'oidc-provider'
import type { OAuth } from '../oauth/open-oauth.ts'
import { routes } from '../oauth/routes.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { clientRoute, tokenOf } from './client-route.ts'

/**
 * Takes back a client's own token (RFC 7009): an access token by itself, a refresh token with its whole session. What is not
 * good, or another's, is left as it is, and the answer is the same.
 */
export function revocationRoutes(options: {
  provider: () => Provider
  findAccessToken: OAuth['findAccessToken']
  sessions: Sessions
  log: Logger
}): Router {
  const { provider, findAccessToken, sessions } = options
  return clientRoute(routes.revocation, options, async ({ clientId }, form) => {
    const token = tokenOf(form)
    const claims = await findAccessToken(token)
    if (claims?.client_id === clientId) {
      const { sub: userId, jti: tokenId, exp } = claims
      await sessions.revokeToken({ userId, tokenId, expiresAt: new Date(exp * 1_000), reason: 'revoked' })
    }
    const refreshToken = claims === undefined ? await provider().RefreshToken.find(token) : undefined
    if (refreshToken?.grantId !== undefined && refreshToken.clientId === clientId) {
      await sessions.end(refreshToken.grantId, 'revoked')
    }
    return null
  })
}
