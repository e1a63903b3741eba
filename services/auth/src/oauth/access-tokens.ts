import jwt from 'jsonwebtoken'
import type Provider from 'oidc-provider'
import { ACCESS_TOKEN_SCOPES, API_AUDIENCE, API_RESOURCE, apiResource } from './api-resource.ts'
import { SIGNING_ALGORITHM, type SigningKeys } from './signing-keys.ts'

/** An access token as the provider itself would give it to a client of this user. */
export async function issueAccessToken(
  provider: Provider,
  options: { clientId: string; userId: string; admin: boolean },
): Promise<string> {
  const client = await provider.Client.find(options.clientId)
  if (client === undefined) throw new Error(`there is no client ${options.clientId}`)
  const token = new provider.AccessToken({
    client,
    accountId: options.userId,
    scope: [...ACCESS_TOKEN_SCOPES, ...(options.admin ? ['admin'] : [])].join(' '),
    // Of no grant: there is nothing to refresh it with.
    grantId: '',
    gty: 'development',
  })
  token.resourceServer = new provider.ResourceServer(API_RESOURCE, apiResource)
  return token.save()
}

/** The user of one of our access tokens, or undefined when it is not good. */
export function userIdOfAccessToken(token: string, options: { issuer: string; keys: SigningKeys }): string | undefined {
  try {
    const header = jwt.decode(token, { complete: true })?.header
    const key = header?.kid === undefined ? undefined : options.keys.publicKeyOf(header.kid)
    if (key === undefined || header?.typ !== 'at+jwt') return undefined
    const claims = jwt.verify(token, key, {
      algorithms: [SIGNING_ALGORITHM],
      issuer: options.issuer,
      audience: API_AUDIENCE,
    })
    return typeof claims === 'string' ? undefined : claims.sub
  } catch {
    return undefined
  }
}
