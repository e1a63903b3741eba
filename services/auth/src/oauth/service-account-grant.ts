import { limits } from '@parley/protocol'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { Profile } from '../domain/foreign-profile.ts'
import { serviceAccountIdentity } from '../domain/identity.ts'
import { isServiceAccount, type OAuthClient, type ServiceAccount } from '../domain/oauth-client.ts'
import type { SignIn } from '../sign-in.ts'
import { newAccessToken } from './access-tokens.ts'
import { API_RESOURCE } from './api-resource.ts'
import { orTemporarilyUnavailable } from './temporarily-unavailable.ts'

export const SERVICE_GRANT = 'client_credentials'

/**
 * Client credentials: a service account shows its secret and gets an access token of its own user, who is made at the first
 * one. There is no refresh token, as it can ask again.
 */
export function allowServiceAccounts(
  provider: Provider,
  { clients, signIn }: { clients: readonly OAuthClient[]; signIn: SignIn },
): void {
  const accounts = new Map(clients.filter(isServiceAccount).map((account) => [account.client_id, account]))
  provider.registerGrantType(
    SERVICE_GRANT,
    async (ctx) => {
      const { client, params } = ctx.oidc
      const account = accounts.get(client.clientId)
      if (account === undefined) throw new errors.UnauthorizedClient('not a service account')
      if (params.resource !== undefined && params.resource !== API_RESOURCE) throw new errors.InvalidTarget()
      const scope = grantedScope(account, params.scope)
      const { id: accountId } = await orTemporarilyUnavailable(() =>
        signIn(serviceAccountIdentity(account.client_id), () => profileOf(account)),
      )
      const token = newAccessToken(provider, { client, accountId, scope, gty: SERVICE_GRANT, sessionId: null })
      ctx.oidc.entity('AccessToken', token)
      const value = await token.save()
      ctx.body = { access_token: value, expires_in: token.expiration, token_type: token.tokenType, scope }
    },
    ['scope', 'resource'],
  )
}

/** What was asked for and is allowed; all that is allowed to who asks for nothing. */
function grantedScope({ scopes }: ServiceAccount, asked: string | undefined): string {
  const granted = asked === undefined ? scopes : scopes.filter((scope) => asked.split(' ').includes(scope))
  if (granted.length === 0) throw new errors.InvalidScope('none of the requested scopes is allowed', asked ?? '')
  return [...new Set(granted)].join(' ')
}

const profileOf = ({ client_name: name, client_id: id }: ServiceAccount): Profile => ({
  displayName: name ?? id.slice(0, limits.displayNameCharacters),
  avatarUrl: null,
})
