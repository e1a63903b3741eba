import * as client from 'openid-client'

/** An app that has signed a user in at the gateway, by the standard library, and holds their tokens. */
export interface OAuthSession {
  /** Of the last answer. */
  readonly accessToken: string
  readonly refreshToken: string
  /** What the ID token says. */
  readonly subject: string
  /** Shows a refresh token, the current one unless another is given, and takes what comes back. */
  refresh(refreshToken?: string): Promise<void>
  revoke(token: string): Promise<void>
}

const REDIRECT_URI = 'http://localhost:5173/callback'
const MAX_REDIRECTS = 10

/** The whole code flow with PKCE: by the issuer's name alone, the sign-in page of development, and back to the client. */
export async function signInByOAuth(issuer: string, name: string): Promise<OAuthSession> {
  const config = await client.discovery(new URL(issuer), 'parley-web', undefined, client.None(), {
    execute: [client.allowInsecureRequests],
  })
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const authorizationUrl = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: 'openid profile',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  const callback = await throughThePage(authorizationUrl, name)
  let tokens = await client.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
  })
  const subject = tokens.claims()?.sub ?? ''
  return {
    get accessToken() {
      return tokens.access_token
    },
    get refreshToken() {
      return tokens.refresh_token ?? ''
    },
    subject,
    async refresh(refreshToken = tokens.refresh_token ?? '') {
      tokens = await client.refreshTokenGrant(config, refreshToken)
    },
    revoke: (token) => client.tokenRevocation(config, token),
  }
}

/** What a browser does, and a person who enters a name: resolves with the address of the client to which it leads. */
async function throughThePage(start: URL, name: string): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = start
  let request: RequestInit = {}
  for (let steps = 0; steps < MAX_REDIRECTS; steps += 1) {
    if (url.href.startsWith(REDIRECT_URI)) return url
    const cookie = [...cookies].map(([key, value]) => `${key}=${value}`).join('; ')
    const response = await fetch(url, { ...request, redirect: 'manual', headers: { accept: 'text/html', cookie } })
    for (const header of response.headers.getSetCookie()) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
      cookies.set(key, value)
    }
    const location = response.headers.get('location')
    if (location !== null) {
      url = new URL(location, url)
      request = {}
      continue
    }
    const page = await response.text()
    const [, action] = /<form[^>]* action="([^"]*)"[^>]*>(?:(?!<\/form>)[\s\S])*name="name"/.exec(page) ?? []
    if (action === undefined) throw new Error(`no page to sign in on: ${response.status}`)
    const hidden = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
    const fields = Object.fromEntries(hidden.map(([, key, value]) => [key, value]))
    url = new URL(action, url)
    request = { method: 'POST', body: new URLSearchParams({ ...fields, name }) }
  }
  throw new Error('too many redirects')
}
