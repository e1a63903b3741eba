import jwt from 'jsonwebtoken'
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { CLIENT_ID, signIn } from './oauth-client.ts'

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

const refused = { error: 'invalid_grant' }

test('a refresh token gives new tokens of the same user, and takes another one in its place', async () => {
  const { config, tokens } = await signIn(instance.send, 'ann')
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
  const [before, after] = [tokens, refreshed].map(({ access_token: token }) => jwt.decode(token) as jwt.JwtPayload)
  expect(after).toMatchObject({ sub: before?.sub, scope: before?.['scope'] })
  expect(after?.jti).not.toBe(before?.jti)
})

test('a refresh token used again takes back the whole family', async () => {
  const { config, tokens } = await signIn(instance.send, 'bea')
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject(refused)
  await expect(client.refreshTokenGrant(config, refreshed.refresh_token ?? '')).rejects.toMatchObject(refused)
})

test('of ten refreshes at once with one token, at two instances, one succeeds', async () => {
  await using other = await system.start()
  const { config, tokens } = await signIn(instance.send, 'cid')
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: tokens.refresh_token ?? '',
    client_id: CLIENT_ID,
  })
  const { token_endpoint: endpoint = '' } = config.serverMetadata()
  const attempts = Array.from({ length: 10 }, (_, index) =>
    (index % 2 === 0 ? instance : other).send(endpoint, { method: 'POST', body }),
  )
  const statuses = (await Promise.all(attempts)).map(({ status }) => status)
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array.from({ length: 9 }, () => 400)])
})

test('a revoked refresh token is not good any more', async () => {
  const { config, tokens } = await signIn(instance.send, 'dora')
  await client.tokenRevocation(config, tokens.refresh_token ?? '')
  await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject(refused)
})

test('what could be used by who reads the database does not stand in it', async () => {
  const { browser, tokens } = await signIn(instance.send, 'eve')
  const stored = JSON.stringify(await system.query('select * from auth.oauth_artifacts'))
  const secrets = [tokens.refresh_token, tokens.access_token, ...browser.cookies.map(({ value }) => value)]
  for (const secret of secrets) expect(stored).not.toContain(secret)
  expect(secrets.length).toBeGreaterThanOrEqual(4)
})

test.each([
  ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'x'.repeat(43) }, 400],
  ['no refresh token', { grant_type: 'refresh_token' }, 400],
  ['a refresh token with NUL in it', { grant_type: 'refresh_token', refresh_token: '\0' }, 400],
  ['a password', { grant_type: 'password', username: 'ann', password: 'ann' }, 400],
  ['client credentials', { grant_type: 'client_credentials' }, 400],
  ['another client', { grant_type: 'refresh_token', refresh_token: 'x', client_id: 'nobody' }, 401],
  ['a body that is too large', { grant_type: 'refresh_token', refresh_token: 'x'.repeat(100_000) }, 400],
])('%s gets an OAuth error', async (_, fields, status) => {
  const body = new URLSearchParams({ client_id: CLIENT_ID, ...fields } as Record<string, string>)
  const response = await instance.send('/oauth/token', { method: 'POST', body })
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error: expect.stringMatching(/^[a-z_]+$/) })
})

test('pages of the own machine may ask for tokens, others may not', async () => {
  const body = new URLSearchParams({ client_id: CLIENT_ID, grant_type: 'refresh_token', refresh_token: 'x' })
  const allowed = await Promise.all(
    ['http://localhost:5173', 'http://127.0.0.1', 'http://localhost.evil.example', 'https://evil.example', 'null'].map(
      async (origin) => {
        const response = await instance.send('/oauth/token', { method: 'POST', body, headers: { origin } })
        return response.headers.get('access-control-allow-origin')
      },
    ),
  )
  expect(allowed).toEqual(['http://localhost:5173', 'http://127.0.0.1', null, null, null])
})
