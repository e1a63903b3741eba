import { hash } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { JwksClient } from 'jwks-rsa'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ISSUER, startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { createBrowser } from './browser.ts'
import { authorizationOf, CLIENT_ID, discoverClient, exchangeCode, REDIRECT_URI, signIn } from './oauth-client.ts'

let system: AuthSystem
let instance: TestInstance
beforeAll(async () => {
  system = await startAuthSystem()
  instance = await system.start()
})
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

/** As the gateway does it. */
async function verify(token: string): Promise<jwt.Jwt> {
  const jwks = new JwksClient({ jwksUri: `${instance.origin}/oauth/jwks` })
  const key = await jwks.getSigningKey(jwt.decode(token, { complete: true })?.header.kid)
  return jwt.verify(token, key.getPublicKey(), {
    algorithms: ['RS256'],
    issuer: ISSUER,
    audience: 'parley',
    complete: true,
  })
}

describe('signing in with a code', () => {
  test('gives a standard client an access token that verifies against the published keys', async () => {
    const { tokens } = await signIn(instance.send, 'ann')
    const { header, payload } = await verify(tokens.access_token)
    expect(header).toMatchObject({ alg: 'RS256', typ: 'at+jwt' })
    expect(payload).toMatchObject({ iss: ISSUER, aud: 'parley', scope: 'openid profile', client_id: 'parley-web' })
    expect(payload).toMatchObject({ jti: expect.any(String), iat: expect.any(Number) })
    const { iat = 0, exp, sub = '' } = payload as jwt.JwtPayload
    expect(exp).toBe(iat + 600)
    expect(tokens.expires_in).toBe(600)
    const me = await system.calls.getMe({ actor: { userId: sub, scopes: [] } })
    expect(me).toMatchObject({ ok: true, value: { id: sub, displayName: 'ann' } })
  })

  test('gives an ID token with the name, and userinfo says the same', async () => {
    const { config, tokens } = await signIn(instance.send, 'Ánna 🦊')
    const claims = tokens.claims()
    expect(claims).toMatchObject({ iss: ISSUER, aud: 'parley-web', name: 'Ánna 🦊' })
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '')
    expect(userinfo).toEqual({ sub: claims?.sub, name: 'Ánna 🦊' })
  })

  test('is asked for once: the next client of the browser gets its code without a page', async () => {
    const first = await signIn(instance.send, 'bea')
    const second = await authorizationOf(first.config, { redirect_uri: 'http://127.0.0.1:4000/callback' })
    const callback = await first.browser.open(second.url)
    expect(callback.response).toBeNull()
    expect(callback.url.origin).toBe('http://127.0.0.1:4000')
    const tokens = await exchangeCode(first.config, callback.url, second)
    expect(tokens.claims()?.sub).toBe(first.tokens.claims()?.sub)
  })

  test('as someone else is possible by asking for it', async () => {
    const { browser, config } = await signIn(instance.send, 'cid')
    const again = await authorizationOf(config, { prompt: 'login' })
    const leaving = await browser.submit(await browser.open(again.url), { name: 'dora' })
    // A page that submits itself: out of the one session, into the next.
    const callback = await browser.submit(leaving, {})
    const tokens = await exchangeCode(config, callback.url, again)
    expect(tokens.claims()?.['name']).toBe('dora')
  })

  test('needs no consent, also for a client that asks for it', async () => {
    const { tokens } = await signIn(instance.send, 'eve', {
      parameters: { prompt: 'consent', scope: 'openid profile offline_access' },
    })
    expect(tokens.refresh_token).toBeDefined()
  })

  test('never gives the admin scope', async () => {
    const { tokens } = await signIn(instance.send, 'fay', { parameters: { scope: 'openid profile admin' } })
    expect((await verify(tokens.access_token)).payload).toMatchObject({ scope: 'openid profile' })
  })

  test('asks again when the user of the session does not exist any more', async () => {
    const { browser, config, tokens } = await signIn(instance.send, 'gil')
    await system.query(`delete from auth.sessions where user_id = '${tokens.claims()?.sub}'`)
    await system.query(`delete from auth.identities where user_id = '${tokens.claims()?.sub}'`)
    await system.query(`delete from auth.users where id = '${tokens.claims()?.sub}'`)
    const page = await browser.open((await authorizationOf(config)).url)
    expect(page.html).toContain('Sign in to Parley')
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toThrow()
    const asked = client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)
    await expect(asked).rejects.toThrow()
  })
})

describe('a code', () => {
  test('is good at most once, also when it is shown ten times at once', async () => {
    const { config, url, authorization } = await codeOf('hal')
    const attempts = Array.from({ length: 10 }, () => exchangeCode(config, url, authorization))
    const outcomes = await Promise.allSettled(attempts)
    // None, when a repetition was told early enough that the code had been used: that takes back what came of it.
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1)
  })

  test('shown again takes back what it was exchanged for', async () => {
    const { config, url, authorization } = await codeOf('ida')
    const tokens = await exchangeCode(config, url, authorization)
    await expect(exchangeCode(config, url, authorization)).rejects.toMatchObject({ error: 'invalid_grant' })
    const refreshing = client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    await expect(refreshing).rejects.toMatchObject({ error: 'invalid_grant' })
    const asking = client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)
    await expect(asking).rejects.toThrow()
  })

  test('is good for a minute', async () => {
    const { config, url, authorization } = await codeOf('lea')
    const id = hash('sha256', url.searchParams.get('code') ?? '', 'base64url')
    const [code] = await system.query<{ seconds: number }>(
      `select (payload->>'exp')::int - (payload->>'iat')::int as seconds from auth.oauth_artifacts where id = '${id}'`,
    )
    expect(code).toEqual({ seconds: 60 })
    await system.query(`
      update auth.oauth_artifacts set payload = payload || jsonb_build_object('exp', (payload->>'exp')::int - 61)
      where id = '${id}'`)
    await expect(exchangeCode(config, url, authorization)).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  test('is good only with the verifier of its challenge', async () => {
    const { config, url, authorization } = await codeOf('jon')
    const other = exchangeCode(config, url, { ...authorization, verifier: client.randomPKCECodeVerifier() })
    await expect(other).rejects.toMatchObject({ error: 'invalid_grant' })
    // Whoever lacks the verifier takes nothing back either.
    await exchangeCode(config, url, authorization)
  })

  test.each([
    ['without a verifier, as if there had been no challenge', { code_verifier: undefined }],
    ['with the challenge in place of the verifier', { code_verifier: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' }],
    ['for another redirect URI', { redirect_uri: 'http://localhost:5174/callback' }],
    ['by another client', { client_id: 'other' }],
  ])('is not good %s', async (_, changes: Record<string, string | undefined>) => {
    const clients = [{ client_id: 'other', redirect_uris: ['https://other.example/callback'] }]
    await using both = await system.start({ AUTH_CLIENTS: JSON.stringify(clients) })
    const { url, authorization } = await codeOf('max')
    const form = {
      grant_type: 'authorization_code',
      code: url.searchParams.get('code') ?? '',
      code_verifier: authorization.verifier,
      redirect_uri: REDIRECT_URI,
      client_id: CLIENT_ID,
    }
    const exchange = async (fields: Record<string, string | undefined>) => {
      const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined)
      return await both.send('/oauth/token', { method: 'POST', body: new URLSearchParams(given) })
    }
    const refused = await exchange({ ...form, ...changes })
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ error: 'invalid_grant' })
    expect((await exchange(form)).status).toBe(200)
  })

  test('comes back with the name of the issuer, so that no other can pass off its own', async () => {
    const { url } = await codeOf('ned')
    expect(url.searchParams.get('iss')).toBe(ISSUER)
  })

  async function codeOf(name: string) {
    const browser = createBrowser(instance.send)
    const config = await discoverClient(instance.send)
    const authorization = await authorizationOf(config)
    const { url } = await browser.submit(await browser.open(authorization.url), { name })
    return { config, url, authorization }
  }
})

describe('an authorization request is refused', () => {
  test.each([
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
    ['with plain PKCE', { code_challenge_method: 'plain' }],
    ['with PKCE of no method', { code_challenge_method: undefined }],
    ['for another way than a code', { response_type: 'id_token' }],
    ['for another resource', { resource: 'urn:someone:else' }],
    ['when nobody is signed in and no page may be shown', { prompt: 'none' }],
  ])('%s: the client is told', async (_, changes) => {
    const callback = await open(changes)
    expect(callback.response).toBeNull()
    const told = new URLSearchParams(callback.url.search || callback.url.hash.slice(1))
    expect(told.get('error')).toMatch(/^[a-z_]+$/)
    expect(told.get('iss')).toBe(ISSUER)
    expect(told.has('code')).toBe(false)
  })

  test.each([
    ['for a redirect URI that is not registered', { redirect_uri: 'https://evil.example/callback' }],
    ['for one that only begins like a registered one', { redirect_uri: `${REDIRECT_URI}/more` }],
    ['for one with another scheme', { redirect_uri: 'https://localhost:5173/callback' }],
    ['for one with a user name in it', { redirect_uri: 'http://localhost:5173@evil.example/callback' }],
    ['without a redirect URI', { redirect_uri: undefined }],
    ['from an unknown client', { client_id: 'someone-else' }],
    ['with NUL in it', { state: '\0' }],
  ])('%s: a page says so and leads nowhere', async (_, changes) => {
    const page = await open(changes)
    expect(page.url.origin).toBe(ISSUER)
    expect(page.response?.status).toBe(400)
    expect(page.html).toContain('This did not work')
    expect(page.html).not.toMatch(/<form|href/)
  })

  async function open(changes: Record<string, string | undefined>) {
    const { url } = await authorizationOf(await discoverClient(instance.send))
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) url.searchParams.delete(name)
      else url.searchParams.set(name, value)
    }
    return createBrowser(instance.send).open(url)
  }
})

test('two instances on one database serve one sign-in together', async () => {
  await using other = await system.start()
  let turn = 0
  const alternating: typeof instance.send = (url, init) => [instance, other][(turn += 1) % 2]!.send(url, init)
  const { config, tokens } = await signIn(alternating, 'kim')
  await verify(tokens.access_token)
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  await verify(refreshed.access_token)
  expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
})
