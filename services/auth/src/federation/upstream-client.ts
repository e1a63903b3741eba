import { limits, text } from '@parley/protocol'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  type ClientAuth,
} from 'openid-client'
import type { Identity } from '../domain/identity.ts'
import type { Upstream } from '../domain/upstream.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { orUpstreamError, UpstreamError } from './upstream-error.ts'
import { upstreamMetadata } from './upstream-metadata.ts'

const REQUEST_TIMEOUT_MS = 5_000
/** All that a browser waits for when it comes back: less than the gateway's own patience. */
const IDENTIFY_TIMEOUT_MS = 8_000

/** OpenID Connect has the same limit. */
const Subject = text(limits.subjectCharacters)

/** What ties an answer to the one sign-in that it is for. */
export interface Proof {
  readonly state: string
  readonly nonce: string
  /** PKCE's: shows the upstream that who redeems the code also began the sign-in. */
  readonly verifier: string
}

export interface AuthorizationHints {
  readonly loginHint?: string
  /** Whether the person must show again who they are, though the upstream knows them. */
  readonly again: boolean
}

export interface Identified {
  readonly identity: Identity
  /** What the upstream calls them, as it says it: of any type. Asks the upstream where the ID token does not tell. */
  readonly describe: () => Promise<{ name: unknown; picture: unknown }>
}

/** One upstream, as its client. */
export class UpstreamClient {
  readonly #upstream: Upstream
  readonly #redirectUri: string
  readonly #metadata: ReturnType<typeof upstreamMetadata>

  constructor(upstream: Upstream, redirectUri: string) {
    this.#upstream = upstream
    this.#redirectUri = redirectUri
    this.#metadata = upstreamMetadata(upstream, REQUEST_TIMEOUT_MS)
  }

  /** Where the browser goes to sign in. */
  async authorizationUrl({ state, nonce, verifier }: Proof, hints: AuthorizationHints): Promise<URL> {
    const config = await this.#configure()
    const codeChallenge = await calculatePKCECodeChallenge(verifier)
    return await orUpstreamError(async () =>
      buildAuthorizationUrl(config, {
        redirect_uri: this.#redirectUri,
        scope: this.#upstream.scope,
        state,
        nonce,
        code_challenge: codeChallenge,
        code_challenge_method: 'S256',
        ...(hints.loginHint === undefined ? {} : { login_hint: hints.loginHint }),
        ...(hints.again ? { prompt: 'login' } : {}),
      }),
    )
  }

  /** Who came back, by the parameters that they came back with. */
  async identify(parameters: URLSearchParams, { state, nonce, verifier }: Proof): Promise<Identified> {
    const config = await this.#configure(AbortSignal.timeout(IDENTIFY_TIMEOUT_MS))
    const { issuer, userinfo_endpoint: userinfo } = config.serverMetadata()
    // A code of another issuer must not even be shown to this one.
    const from = parameters.get('iss')
    if (from !== null && from !== issuer) throw new UpstreamError('refused', 'the answer is of another issuer')
    const callback = new URL(`${this.#redirectUri}?${parameters.toString()}`)
    const tokens = await orUpstreamError(() =>
      authorizationCodeGrant(config, callback, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      }),
    )
    const claims = tokens.claims()
    if (claims === undefined) throw new UpstreamError('failed', 'there is no ID token')
    if (!Subject.safeParse(claims.sub).success) throw new UpstreamError('failed', 'its subject cannot be stored')
    const { name, picture } = this.#upstream.claims
    return {
      identity: { issuer: claims.iss, subject: claims.sub },
      async describe() {
        const told = name in claims || userinfo === undefined
        const all = told ? claims : await orUpstreamError(() => fetchUserInfo(config, tokens.access_token, claims.sub))
        return { name: all[name], picture: all[picture] }
      },
    }
  }

  /** Anew for each sign-in, and with it the keys: sign-ins are rare, and a key that is new or withdrawn counts at once. */
  async #configure(deadline?: AbortSignal): Promise<Configuration> {
    const { client_id: clientId } = this.#upstream
    const config = new Configuration(await this.#metadata(), clientId, undefined, authenticationOf(this.#upstream))
    config.timeout = REQUEST_TIMEOUT_MS / 1_000
    config[customFetch] = boundedFetch(deadline)
    // Not only that the ID token came by TLS counts, but its signature too.
    enableNonRepudiationChecks(config)
    if (this.#upstream.issuer.startsWith('http:')) allowInsecureRequests(config)
    return config
  }
}

function authenticationOf(upstream: Upstream): ClientAuth {
  const { client_secret: secret, token_endpoint_auth_method: method } = upstream
  if (secret === undefined) return None()
  return method === 'client_secret_post' ? ClientSecretPost(secret) : ClientSecretBasic(secret)
}
