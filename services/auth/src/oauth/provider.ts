import type { Logger } from '@parley/runtime'
import Provider, { errors, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import { isClientOrigin } from '../domain/client-origin.ts'
import { isServiceAccount, type OAuthClient } from '../domain/oauth-client.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SignIn } from '../sign-in.ts'
import { adminScope } from './admin-scope.ts'
import { API_RESOURCE, apiResource, SCOPES } from './api-resource.ts'
import { checkClients, compareSecrets, metadataOf } from './client-metadata.ts'
import { existingGrant } from './existing-grant.ts'
import { extraClaims } from './extra-claims.ts'
import { interactions } from './interactions.ts'
import { lifetimes } from './lifetimes.ts'
import { renderError, renderSignedOut, renderSignOut } from './provider-pages.ts'
import { deriveRefreshTokens } from './refresh-rotation.ts'
import { routes } from './routes.ts'
import { deriveKey } from './secrets.ts'
import { allowServiceAccounts } from './service-account-grant.ts'
import { SIGNING_ALGORITHM, type SigningKeys } from './signing-keys.ts'

/** The OAuth 2.1 and OpenID Connect provider. Whatever it must remember goes through the adapter: any instance serves any request. */
export async function createProvider(options: {
  issuer: string
  secret: string
  clients: readonly OAuthClient[]
  /** Of now. With other keys there has to be another provider. */
  keys: SigningKeys
  adapter: NonNullable<Configuration['adapter']>
  findAccount: NonNullable<Configuration['findAccount']>
  isAdmin: (userId: string) => Promise<boolean>
  sessions: Sessions
  signIn: SignIn
  log: Logger
}): Promise<Provider> {
  const { issuer, secret, clients, keys, adapter, findAccount, isAdmin, sessions, log } = options
  const { userinfo, revocation, introspection, ...libraryRoutes } = routes
  const foreign = new Set(clients.filter(isForeign).map(({ client_id: id }) => id))
  const isFirstParty = (clientId: string) => !foreign.has(clientId)
  const provider = new Provider(issuer, {
    adapter,
    findAccount,
    jwks: { keys: [...keys.jwks] },
    routes: libraryRoutes,
    ttl: lifetimes,
    renderError,

    clients: clients.map(metadataOf),
    clientAuthMethods: ['none', ...SECRET_METHODS],
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
    interactions: interactions(isFirstParty),
    loadExistingGrant: existingGrant({ sessions, isFirstParty }),

    responseTypes: ['code'],
    pkce: { required: () => true },
    scopes: SCOPES,
    claims: { openid: ['sub'], profile: ['name', 'picture'] },
    enabledJWA: { idTokenSigningAlgValues: [SIGNING_ALGORITHM] },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    extraTokenClaims: extraClaims(sessions),
    formats: { customizers: { jwt: adminScope({ isFirstParty, isAdmin }) } },

    features: {
      devInteractions: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      dPoP: { enabled: false },
      // Our access tokens are JWTs, which the library's do not know: these three are in `http/`.
      userinfo: { enabled: false },
      revocation: { enabled: false },
      introspection: { enabled: false },
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
    discovery: {
      userinfo_endpoint: new URL(userinfo, issuer).href,
      revocation_endpoint: new URL(revocation, issuer).href,
      revocation_endpoint_auth_methods_supported: ['none', ...SECRET_METHODS],
      introspection_endpoint: new URL(introspection, issuer).href,
      introspection_endpoint_auth_methods_supported: [...SECRET_METHODS],
    },
  })
  // Believes X-Forwarded-Host and X-Forwarded-Proto, which `asIssuer` sets to the issuer's on every request.
  provider.proxy = true
  // It would write to the console. What fails reaches the log below, or the error handler of `http/`.
  provider.silent = true
  compareSecrets(provider, clients)
  deriveRefreshTokens(provider, secret)
  allowServiceAccounts(provider, options)
  await checkClients(provider, clients)
  logFailures(provider, log)
  return provider
}

const SECRET_METHODS = ['client_secret_basic', 'client_secret_post'] as const

const isForeign = (client: OAuthClient): boolean => !isServiceAccount(client) && !client.first_party

function logFailures(provider: Provider, log: Logger): void {
  const refused = ({ oidc }: KoaContextWithOIDC, error: errors.OIDCProviderError) =>
    log.info(
      { route: oidc.route, clientId: oidc.client?.clientId, code: error.error, detail: error.error_detail },
      'oauth request refused',
    )
  provider.on('authorization.error', refused)
  provider.on('grant.error', refused)
  provider.on('end_session.error', refused)
  provider.on('server_error', ({ oidc }: KoaContextWithOIDC, error: Error) =>
    log.error({ error, route: oidc.route }, 'oauth request failed'),
  )
}
