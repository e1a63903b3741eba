import type { Logger } from '@parley/runtime'
import type { Router } from 'express'
import type Provider from 'oidc-provider'
import { errors, type Client } from 'oidc-provider'
import type { OAuth } from '../oauth/open-oauth.ts'
import { routes } from '../oauth/routes.ts'
import { clientRoute, tokenOf } from './client-route.ts'

const INACTIVE = { active: false }

/** Tells a client with a secret whether a token is good, and what it says (RFC 7662): its own, or any, where it may be an admin. */
export function introspectionRoutes(options: {
  provider: () => Provider
  findAccessToken: OAuth['findAccessToken']
  mayAskForAny: (clientId: string) => boolean
  log: Logger
}): Router {
  const { provider, findAccessToken, mayAskForAny } = options
  return clientRoute(routes.introspection, options, async (client, form) => {
    const token = tokenOf(form)
    if (!isConfidential(client)) throw new errors.UnauthorizedClient('only clients with a secret may ask')
    const isForIt = (clientId: string) => clientId === client.clientId || mayAskForAny(client.clientId)

    const claims = await findAccessToken(token)
    if (claims !== undefined)
      return isForIt(claims.client_id) ? { active: true, token_type: 'Bearer', ...claims } : INACTIVE

    const refreshToken = await provider().RefreshToken.find(token)
    if (refreshToken?.isValid !== true || !isForIt(refreshToken.clientId ?? '')) return INACTIVE
    const grant = await provider().Grant.find(refreshToken.grantId ?? '')
    if (grant === undefined) return INACTIVE
    const { accountId: sub, clientId, scope, iat, exp } = refreshToken
    return { active: true, sub, client_id: clientId, scope, sid: grant.jti, iss: provider().issuer, iat, exp }
  })
}

const isConfidential = ({ tokenEndpointAuthMethod: method }: Client): boolean => method !== 'none'
