import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import { ACCESS_TOKEN_SCOPES, API_RESOURCE, SCOPES } from './api-resource.ts'

/**
 * All clients are Parley's own: signing in is consenting. A session has one grant per client, so that signing out takes back
 * all that the client was given in this browser, except what was asked for as `offline_access`.
 */
export async function firstPartyGrant({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, session, provider } = oidc
  if (client === undefined || session?.accountId === undefined) return undefined
  const grantId = session.grantIdFor(client.clientId)
  const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  if (existing?.accountId === session.accountId) return existing
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope([...SCOPES])
  grant.addResourceScope(API_RESOURCE, [...ACCESS_TOKEN_SCOPES])
  await grant.save()
  return grant
}
