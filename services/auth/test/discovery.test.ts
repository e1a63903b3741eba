import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ISSUER, startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'

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

/** `fetch` would not send these hosts and targets. */
async function ask(
  path: string,
  headers: OutgoingHttpHeaders,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  const answered = Promise.withResolvers<IncomingMessage>()
  const { hostname, port } = new URL(instance.origin)
  request({ hostname, port, path, headers }, answered.resolve).once('error', answered.reject).end()
  const response = await answered.promise
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
}

const discovery = '/.well-known/openid-configuration'

describe('discovery', () => {
  test('tells of what there is, and of nothing else', async () => {
    const { body } = await ask(discovery, {})
    expect(JSON.parse(body)).toMatchObject({
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}/oauth/authorize`,
      token_endpoint: `${ISSUER}/oauth/token`,
      jwks_uri: `${ISSUER}/oauth/jwks`,
      userinfo_endpoint: `${ISSUER}/oauth/userinfo`,
      revocation_endpoint: `${ISSUER}/oauth/revocation`,
      revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
      introspection_endpoint: `${ISSUER}/oauth/introspection`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      end_session_endpoint: `${ISSUER}/oauth/end-session`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
      authorization_response_iss_parameter_supported: true,
      id_token_signing_alg_values_supported: ['RS256'],
      scopes_supported: ['openid', 'profile', 'offline_access'],
    })
    expect(body).not.toContain('pushed_authorization')
    expect(body).not.toContain('registration')
    expect(body).not.toContain('dpop')
  })

  test.each([
    { host: 'evil.example' },
    { 'x-forwarded-host': 'evil.example' },
    { 'x-forwarded-proto': 'http' },
    { 'x-forwarded-host': ['evil.example', 'worse.example'], 'x-forwarded-proto': 'ftp' },
    { forwarded: 'host=evil.example;proto=http' },
    { 'x-original-url': 'https://evil.example/' },
  ])('names public addresses whatever a request says of itself: %j', async (headers) => {
    const [usual, hostile] = await Promise.all([ask(discovery, {}), ask(discovery, headers)])
    expect(hostile.body).toBe(usual.body)
  })

  test('refuses a whole URL as the target of a request', async () => {
    const { status, body } = await ask(`http://evil.example${discovery}`, {})
    expect(status).toBe(400)
    expect(body).not.toContain('evil')
  })
})

test('a sign-in goes to public addresses, whatever host was asked', async () => {
  const { headers } = await ask(
    '/oauth/authorize?client_id=parley-web&response_type=code&scope=openid&redirect_uri=http://localhost:1/callback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256',
    { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
  )
  expect(headers.location).toMatch(/^\/oauth\/sign-in\/[\w-]+$/)
  const cookies = headers['set-cookie'] ?? []
  expect(cookies.filter((cookie) => cookie.includes(`path=${headers.location};`))).not.toEqual([])
  for (const cookie of cookies) expect(cookie).toMatch(/; samesite=lax; secure; httponly/)
  expect(JSON.stringify(headers)).not.toContain('evil')
})

test('the published keys have no private part', async () => {
  const { keys } = JSON.parse((await ask('/oauth/jwks', {})).body) as { keys: object[] }
  expect(keys).toHaveLength(1)
  expect(Object.keys(keys[0] ?? {}).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
})

test('what is not there is answered by a page to browsers and by a problem document to others', async () => {
  for (const path of ['/', '/nothing', '/oauth/nothing', '/oauth/register', '/.well-known/nothing']) {
    const page = await ask(path, { accept: 'text/html' })
    expect(page).toMatchObject({ status: 404, headers: { 'content-type': 'text/html; charset=utf-8' } })
    const problem = await ask(path, {})
    expect(problem).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/problem+json; charset=utf-8' },
    })
    expect(JSON.parse(problem.body)).toMatchObject({
      status: 404,
      code: 'not_found',
      requestId: problem.headers['x-request-id'],
    })
  }
})

test('every answer carries the headers that keep browsers careful', async () => {
  for (const path of [discovery, '/oauth/authorize', '/nothing']) {
    const { headers } = await ask(path, { accept: 'text/html' })
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    expect(headers['x-powered-by']).toBeUndefined()
  }
})
