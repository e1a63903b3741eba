import { errors, type Configuration, type Grant, type KoaContextWithOIDC } from 'oidc-provider'
import { deviceName } from '../domain/device-name.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { ACCESS_TOKEN_SCOPES, API_RESOURCE, SCOPES } from './api-resource.ts'
import { isSigningIn } from './is-signing-in.ts'
import { orTemporarilyUnavailable } from './temporarily-unavailable.ts'

/**
 * What this browser's user has allowed the client, which is the session of all tokens that come of it. A browser has one grant
 * per client, so that signing out takes back all that the client was given in it, except what was asked for as `offline_access`.
 * Parley's own clients get theirs by signing in; for others the consent page makes it.
 */
export function existingGrant(options: {
  sessions: Sessions
  isFirstParty: (clientId: string) => boolean
}): NonNullable<Configuration['loadExistingGrant']> {
  return async (ctx) => {
    const { client } = ctx.oidc
    const known = await grantOfBrowser(ctx)
    if (known !== undefined && (await beginSession(options.sessions, ctx, known))) return known
    if (client === undefined || !options.isFirstParty(client.clientId)) return undefined
    const grant = await newGrant(ctx)
    if (await beginSession(options.sessions, ctx, grant)) return grant
    throw new errors.LoginRequired('the browser was signed out meanwhile')
  }
}

/** False when the browser has been signed out since the request began. */
async function beginSession(sessions: Sessions, ctx: KoaContextWithOIDC, grant: Grant): Promise<boolean> {
  return await orTemporarilyUnavailable(() =>
    sessions.begin({
      id: grant.jti,
      userId: String(grant.accountId),
      client: String(grant.clientId),
      name: deviceName(ctx.get('user-agent')),
      browserId: isSigningIn(ctx) ? null : (ctx.oidc.session?.uid ?? null),
    }),
  )
}

async function grantOfBrowser({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, account, session, result, provider } = oidc
  const grantId = result?.consent?.grantId ?? session?.grantIdFor(client?.clientId ?? '')
  const grant = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  return grant?.accountId === account?.accountId && grant?.clientId === client?.clientId ? grant : undefined
}

async function newGrant({ oidc }: KoaContextWithOIDC): Promise<Grant> {
  const { client, account, provider } = oidc
  if (client === undefined || account === undefined) throw new errors.InvalidRequest('nobody is signed in')
  const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId })
  grant.addOIDCScope([...SCOPES])
  grant.addResourceScope(API_RESOURCE, [...ACCESS_TOKEN_SCOPES])
  await grant.save()
  return grant
}
