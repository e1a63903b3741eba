import { hash } from 'node:crypto'
import jwt from 'jsonwebtoken'
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { CLIENT_ID, discoverClient, signIn } from './oauth-client.ts'

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

const tokenOf = ({ refresh_token: token }: { refresh_token?: string }): string => token ?? ''

const row = (token: string): string => `type = 'RefreshToken' and id = '${hash('sha256', token, 'base64url')}'`

/** As if its first use had been so long ago. */
const growOld = (token: string, seconds: number) =>
  system.query(
    `update auth.oauth_artifacts set consumed_at = consumed_at - interval '${seconds} seconds' where ${row(token)}`,
  )

const isGood = (config: client.Configuration, { access_token: token }: { access_token: string }): Promise<boolean> =>
  client.fetchUserInfo(config, token, client.skipSubjectCheck).then(
    () => true,
    () => false,
  )

test('a refresh token shown again within 30 seconds gets the same successor, so that a lost answer signs nobody out', async () => {
  const { config, tokens } = await signIn(instance.send, 'bea')
  const first = await client.refreshTokenGrant(config, tokenOf(tokens))
  await growOld(tokenOf(tokens), 28)
  const again = await client.refreshTokenGrant(config, tokenOf(tokens))
  expect(again.refresh_token).toBe(first.refresh_token)
  expect(again.access_token).not.toBe(first.access_token)
  const next = await client.refreshTokenGrant(config, tokenOf(again))
  expect(next.refresh_token).not.toBe(again.refresh_token)
})

test('of ten refreshes at once with one token, at two instances, all get the same successor', async () => {
  await using other = await system.start()
  const { config, tokens } = await signIn(instance.send, 'cid')
  const { token_endpoint: endpoint = '' } = config.serverMetadata()
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: tokenOf(tokens),
    client_id: CLIENT_ID,
  })
  const answers = await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      const response = await (index % 2 === 0 ? instance : other).send(endpoint, { method: 'POST', body })
      return (await response.json()) as { access_token: string; refresh_token: string }
    }),
  )
  expect(new Set(answers.map(({ refresh_token: token }) => token)).size).toBe(1)
  expect(new Set(answers.map(({ access_token: token }) => token)).size).toBe(10)
  await client.refreshTokenGrant(config, tokenOf(answers[0]!))
})

test('a refresh token shown again later takes back the whole family, also its access tokens', async () => {
  const { config, tokens } = await signIn(instance.send, 'gil')
  const refreshed = await client.refreshTokenGrant(config, tokenOf(tokens))
  await growOld(tokenOf(tokens), 31)
  expect(await isGood(config, refreshed)).toBe(true)
  await expect(client.refreshTokenGrant(config, tokenOf(tokens))).rejects.toMatchObject(refused)
  await expect(client.refreshTokenGrant(config, tokenOf(refreshed))).rejects.toMatchObject(refused)
  expect(await isGood(config, refreshed)).toBe(false)
  const { sid } = jwt.decode(refreshed.access_token) as jwt.JwtPayload
  const ended = await system.query(`select end_reason from auth.sessions where id = '${sid}'`)
  expect(ended).toEqual([{ end_reason: 'refresh_reused' }])
})

test('a successor that was used stays so, whoever gets it once more', async () => {
  const { config, tokens } = await signIn(instance.send, 'hal')
  const second = await client.refreshTokenGrant(config, tokenOf(tokens))
  const third = await client.refreshTokenGrant(config, tokenOf(second))
  expect(tokenOf(await client.refreshTokenGrant(config, tokenOf(tokens)))).toBe(tokenOf(second))
  expect(tokenOf(await client.refreshTokenGrant(config, tokenOf(second)))).toBe(tokenOf(third))
  await growOld(tokenOf(second), 31)
  await expect(client.refreshTokenGrant(config, tokenOf(second))).rejects.toMatchObject(refused)
  await expect(client.refreshTokenGrant(config, tokenOf(third))).rejects.toMatchObject(refused)
})

test('a refresh that died before its successor was stored can be repeated for as long as it takes', async () => {
  const { config, tokens } = await signIn(instance.send, 'ida')
  await system.query(`create function auth.fail() returns trigger language plpgsql as $$ begin raise 'dies'; end $$`)
  await system.query(`
    create trigger dies before insert on auth.oauth_artifacts
    for each row when (new.type = 'RefreshToken') execute function auth.fail()`)
  try {
    await expect(client.refreshTokenGrant(config, tokenOf(tokens))).rejects.toThrow()
  } finally {
    await system.query('drop trigger dies on auth.oauth_artifacts')
  }
  await growOld(tokenOf(tokens), 3_600)
  const refreshed = await client.refreshTokenGrant(config, tokenOf(tokens))
  await client.refreshTokenGrant(config, tokenOf(refreshed))
  // It came through: from now on it is spent like any other.
  await expect(client.refreshTokenGrant(config, tokenOf(tokens))).rejects.toMatchObject(refused)
})

test('the end of a family that died half-way is made up for when the token is shown again', async () => {
  const { config, tokens } = await signIn(instance.send, 'jon')
  const refreshed = await client.refreshTokenGrant(config, tokenOf(tokens))
  await growOld(tokenOf(tokens), 31)
  await system.query(
    `create function auth.fail_to_end() returns trigger language plpgsql as $$ begin raise 'dies'; end $$`,
  )
  await system.query(
    'create trigger dies before update on auth.sessions for each row execute function auth.fail_to_end()',
  )
  try {
    await expect(client.refreshTokenGrant(config, tokenOf(tokens))).rejects.toThrow()
  } finally {
    await system.query('drop trigger dies on auth.sessions')
  }
  await expect(client.refreshTokenGrant(config, tokenOf(tokens))).rejects.toMatchObject(refused)
  await expect(client.refreshTokenGrant(config, tokenOf(refreshed))).rejects.toMatchObject(refused)
})

test('a refresh token of another client is refused, also while a repetition is forgiven, and nothing happens to it', async () => {
  const clients = [{ client_id: 'other', redirect_uris: ['https://other.example/callback'] }]
  await using other = await system.start({ AUTH_CLIENTS: JSON.stringify(clients) })
  const { config, tokens } = await signIn(instance.send, 'kim')
  await client.refreshTokenGrant(config, tokenOf(tokens))
  const stranger = await discoverClient(other.send, 'other')
  await expect(client.refreshTokenGrant(stranger, tokenOf(tokens))).rejects.toMatchObject(refused)
  await growOld(tokenOf(tokens), 31)
  await expect(client.refreshTokenGrant(stranger, tokenOf(tokens))).rejects.toMatchObject(refused)
  await growOld(tokenOf(tokens), -31)
  await client.refreshTokenGrant(config, tokenOf(tokens))
})

test('with another AUTH_SECRET refresh tokens stay good, and spent ones spent', async () => {
  await using own = await startAuthSystem()
  let current = await own.start()
  const send: TestInstance['send'] = (url, init) => current.send(url, init)
  try {
    const { config, tokens } = await signIn(send, 'lea')
    const refreshed = await client.refreshTokenGrant(config, tokenOf(tokens))
    await own.query(`update auth.oauth_artifacts set consumed_at = consumed_at - interval '31 seconds'`)
    await current[Symbol.asyncDispose]()
    await own.query('delete from auth.signing_keys')
    current = await own.start({ AUTH_SECRET: 'another secret of the tests, as long' })
    const next = await client.refreshTokenGrant(config, tokenOf(refreshed))
    await expect(client.refreshTokenGrant(config, tokenOf(tokens))).rejects.toMatchObject(refused)
    await expect(client.refreshTokenGrant(config, tokenOf(next))).rejects.toMatchObject(refused)
  } finally {
    await current[Symbol.asyncDispose]()
  }
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
  ['client credentials without a secret', { grant_type: 'client_credentials' }, 400],
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
