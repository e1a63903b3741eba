import { ConfigError, type Logger } from '@parley/runtime'
import Provider, { errors, interactionPolicy, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import type { OAuthClient } from '../domain/oauth-client.ts'
import { isClientOrigin } from '../domain/client-origin.ts'
import { renderError, renderSignedOut, renderSignOut } from './provider-pages.ts'
import { API_RESOURCE, apiResource, SCOPES } from './api-resource.ts'
import { firstPartyGrant } from './first-party-grant.ts'
import { lifetimes } from './lifetimes.ts'
import { routes, SIGN_IN_PATH } from './routes.ts'
import { deriveKey } from './secrets.ts'
import { SIGNING_ALGORITHM, type SigningKeys } from './signing-keys.ts'

/** The OAuth 2.1 and OpenID Connect provider. Whatever it must remember goes through the adapter: any instance serves any request. */
export async function createProvider(options: {
  issuer: string
  secret: string
  clients: readonly OAuthClient[]
  keys: SigningKeys
  adapter: NonNullable<Configuration['adapter']>
  findAccount: NonNullable<Configuration['findAccount']>
  log: Logger
}): Promise<Provider> {
  const { issuer, secret, clients, keys, adapter, findAccount, log } = options
  const { userinfo, ...libraryRoutes } = routes
  const provider = new Provider(issuer, {
    adapter,
    findAccount,
    jwks: { keys: [...keys.jwks] },
    routes: libraryRoutes,
    ttl: lifetimes,
    renderError,

    clients: clients.map((client) => ({ ...client })),
    clientAuthMethods: ['none'],
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: SIGNING_ALGORITHM,
    },
    clientBasedCORS: (_ctx, origin, { redirectUris = [], applicationType }) =>
      isClientOrigin(origin, { redirectUris, native: applicationType === 'native' }),
    allowOmittingSingleRegisteredRedirectUri: false,

    cookies: {
      keys: [deriveKey(secret, 'cookies').toString('base64url')],
      names: { session: 'parley_session', interaction: 'parley_sign_in', resume: 'parley_sign_in_resume' },
      long: { httpOnly: true, sameSite: 'lax', path: '/oauth' },
      short: { httpOnly: true, sameSite: 'lax' },
    },
    interactions: {
      policy: signInPolicy(),
      url: (_ctx, { uid }) => `${SIGN_IN_PATH}/${uid}`,
    },
    loadExistingGrant: firstPartyGrant,

    responseTypes: ['code'],
    pkce: { required: () => true },
    scopes: SCOPES,
    claims: { openid: ['sub'], profile: ['name', 'picture'] },
    enabledJWA: { idTokenSigningAlgValues: [SIGNING_ALGORITHM] },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,

    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      // Its own endpoint takes opaque tokens only. Ours (http/userinfo.ts) takes the access tokens that there are.
      userinfo: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: { enabled: true, logoutSource: renderSignOut, postLogoutSuccessSource: renderSignedOut },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => API_RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, resource) {
          if (resource !== API_RESOURCE) throw new errors.InvalidTarget()
          return apiResource
        },
      },
    },
    discovery: { userinfo_endpoint: new URL(userinfo, issuer).href },
  })
  // Believes X-Forwarded-Host and X-Forwarded-Proto, which `asIssuer` sets to the issuer's on every request.
  provider.proxy = true
  // It would write to the console. What fails reaches the log below, or the error handler of `http/`.
  provider.silent = true
  await checkClients(provider, clients)
  logFailures(provider, log)
  return provider
}

/** Signing in is asked for, consent never is; a client that asks for a consent prompt just gets none. */
function signInPolicy(): interactionPolicy.DefaultPolicy {
  const { Check, base } = interactionPolicy
  const policy = base()
  policy.get('consent')?.checks.clear()
  policy
    .get('login')
    ?.checks.add(
      new Check('no_account', 'the user of this session does not exist', 'login_required', ({ oidc }) =>
        oidc.session?.accountId !== undefined && oidc.account === undefined
          ? Check.REQUEST_PROMPT
          : Check.NO_NEED_TO_PROMPT,
      ),
    )
  return policy
}

/** The library would check a client's metadata when it is first used. */
async function checkClients(provider: Provider, clients: readonly OAuthClient[]): Promise<void> {
  for (const { client_id: id } of clients) {
    try {
      await provider.Client.find(id)
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error
      throw new ConfigError(`AUTH_CLIENTS is wrong: ${id}: ${error.error_description}.`)
    }
  }
}

function logFailures(provider: Provider, log: Logger): void {
  const refused = ({ oidc }: KoaContextWithOIDC, error: errors.OIDCProviderError) =>
    log.info(
      { route: oidc.route, clientId: oidc.client?.clientId, code: error.error, detail: error.error_detail },
      'oauth request refused',
    )
  provider.on('authorization.error', refused)
  provider.on('grant.error', refused)
  provider.on('revocation.error', refused)
  provider.on('end_session.error', refused)
  provider.on('server_error', ({ oidc }: KoaContextWithOIDC, error: Error) =>
    log.error({ error, route: oidc.route }, 'oauth request failed'),
  )
}
