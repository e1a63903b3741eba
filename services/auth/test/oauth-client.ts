import * as client from 'openid-client'
import { ISSUER, type Send } from './auth-system.ts'
import { createBrowser, type Browser, type Visit } from './browser.ts'

export const CLIENT_ID = 'parley-web'
export const REDIRECT_URI = 'http://localhost:5173/callback'

export interface Authorization {
  readonly url: URL
  readonly verifier: string
  readonly state: string
  readonly nonce: string
}

/** A client as apps have one: the standard library, which finds everything out from the issuer's name. */
export const discoverClient = (send: Send, clientId = CLIENT_ID): Promise<client.Configuration> =>
  client.discovery(new URL(ISSUER), clientId, undefined, client.None(), {
    [client.customFetch]: (url, options) => send(url, options as RequestInit),
  })

/** The first half of the code flow: where the client sends the browser to. */
export async function authorizationOf(
  config: client.Configuration,
  parameters: Record<string, string> = {},
): Promise<Authorization> {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: 'openid profile',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  })
  return { url, verifier, state, nonce }
}

/** The second half: the code in the address the browser came back to, for tokens. */
export const exchangeCode = (config: client.Configuration, callback: URL, authorization: Authorization) =>
  client.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: authorization.verifier,
    expectedState: authorization.state,
    expectedNonce: authorization.nonce,
  })

/** Signs in by the page. */
export async function signIn(
  send: Send,
  name: string,
  options: { browser?: Browser; clientId?: string; parameters?: Record<string, string> } = {},
) {
  const browser = options.browser ?? createBrowser(send)
  const config = await discoverClient(send, options.clientId)
  const authorization = await authorizationOf(config, options.parameters)
  const page = await browser.open(authorization.url)
  const callback: Visit = page.response === null ? page : await browser.submit(page, { name })
  const tokens = await exchangeCode(config, callback.url, authorization)
  return { browser, config, authorization, callback: callback.url, tokens }
}
