import { hash } from 'node:crypto'
import jwt from 'jsonwebtoken'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { defaults, ISSUER, startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { asClient, post, SECRETS, serviceAccount, serviceToken } from './clients.ts'
import { signIn } from './oauth-client.ts'

const hashedSecret = 'only the hash of this one is configured'
const AUTH_CLIENTS = JSON.stringify([
  serviceAccount(),
  serviceAccount({
    client_id: 'hashed',
    client_name: undefined,
    client_secrets: undefined,
    client_secret_hashes: [hash('sha256', hashedSecret)],
    scope: 'admin',
  }),
])

let system: AuthSystem
let instance: TestInstance
beforeAll(async () => {
  system = await startAuthSystem()
  instance = await system.start({ AUTH_CLIENTS })
})
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

const ask = (fields: Record<string, string> = {}, headers: Record<string, string> = asClient('exporter', SECRETS[0])) =>
  post(instance.send, '/oauth/token', { grant_type: 'client_credentials', ...fields }, headers)

test('a standard client gets an access token of a user of its own, who is told of like any other', async () => {
  const config = await client.discovery(new URL(ISSUER), 'exporter', undefined, client.ClientSecretBasic(SECRETS[0]), {
    [client.customFetch]: (url, options) => instance.send(url, options as RequestInit),
  })
  const tokens = await client.clientCredentialsGrant(config)
  expect(tokens).toMatchObject({ expires_in: 600, scope: 'chat:read chat:write' })
  expect(tokens.refresh_token).toBeUndefined()
  expect(tokens.id_token).toBeUndefined()
  const { header, payload } = jwt.decode(tokens.access_token, { complete: true }) as jwt.Jwt
  expect(header).toMatchObject({ alg: 'RS256', typ: 'at+jwt' })
  expect(payload).toMatchObject({
    iss: ISSUER,
    aud: 'parley',
    client_id: 'exporter',
    scope: 'chat:read chat:write',
    service: true,
  })
  expect(payload).not.toHaveProperty('sid')
  const userId = String(payload.sub)
  const me = await system.calls.getMe({ actor: { userId, scopes: [] } })
  expect(me).toMatchObject({ ok: true, value: { id: userId, displayName: 'Exporter' } })
})

test('it is the same user each time, also when the first tokens are asked for at once', async () => {
  const tokens = await Promise.all(Array.from({ length: 5 }, () => serviceToken(instance.send, 'hashed', hashedSecret)))
  const subjects = tokens.map((token) => jwt.decode(token)?.sub)
  expect(new Set(subjects).size).toBe(1)
  expect(await system.query(`select display_name from auth.users where id = '${String(subjects[0])}'`)).toEqual([
    { display_name: 'hashed' },
  ])
})

test.each([
  ['the first secret', asClient('exporter', SECRETS[0]), {}],
  ['the second secret', asClient('exporter', SECRETS[1]), {}],
  ['a secret in the form', {}, { client_id: 'exporter', client_secret: SECRETS[1] }],
  ['a secret of which only the hash is known', asClient('hashed', hashedSecret), {}],
])('%s is good', async (_, headers, fields) => {
  expect((await ask(fields, headers)).status).toBe(200)
})

test.each([
  ['a wrong secret', asClient('exporter', 'x'.repeat(40)), {}],
  ['the secret of another', asClient('hashed', SECRETS[0]), {}],
  ['a hash in place of its secret', asClient('hashed', hash('sha256', hashedSecret)), {}],
  ['no secret', {}, { client_id: 'exporter' }],
  ['an unknown client', asClient('nobody', SECRETS[0]), {}],
  ['a wrong secret in the form', {}, { client_id: 'exporter', client_secret: 'x' }],
])('%s is refused as such', async (_, headers, fields) => {
  const response = await ask(fields, headers)
  expect(response.status).toBe(401)
  expect(await response.json()).toMatchObject({ error: 'invalid_client' })
})

test.each([
  ['part of what is allowed', { scope: 'chat:read' }, 'chat:read'],
  ['more than is allowed', { scope: 'admin chat:write openid' }, 'chat:write'],
  ['nothing in particular', {}, 'chat:read chat:write'],
  ['the API by its name', { resource: 'urn:parley:api' }, 'chat:read chat:write'],
])('who asks for %s gets what is asked for and allowed', async (_, fields, scope) => {
  const answer = (await (await ask(fields)).json()) as { scope: string; access_token: string }
  expect(answer.scope).toBe(scope)
  expect(jwt.decode(answer.access_token)).toMatchObject({ scope })
})

test.each([
  ['only what is not allowed', { scope: 'admin' }, 'invalid_scope'],
  ['another resource', { resource: 'urn:someone:else' }, 'invalid_target'],
  [
    'a sign-in of a person',
    { grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://x' },
    'invalid_request',
  ],
  ['a refresh', { grant_type: 'refresh_token', refresh_token: 'x' }, 'invalid_request'],
])('who asks for %s gets nothing', async (_, fields, error) => {
  const response = await ask(fields)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error })
})

test('no person can get what service accounts get', async () => {
  const { tokens } = await signIn(instance.send, 'ann', { parameters: { scope: 'openid chat:read chat:write admin' } })
  const claims = jwt.decode(tokens.access_token) as jwt.JwtPayload
  expect(claims).toMatchObject({ scope: 'openid' })
  expect(claims).not.toHaveProperty('service')
})

test('the browser of nobody is sent to a service account', async () => {
  const page = await instance.send(
    '/oauth/authorize?client_id=exporter&response_type=code&redirect_uri=https://x.example/',
  )
  expect(page.status).toBe(400)
})

describe('a service account in AUTH_CLIENTS', () => {
  const read = (changes: object) =>
    readConfig({
      ...defaults,
      NATS_URL: 'nats://localhost',
      POSTGRES_URL: 'postgres://localhost/auth',
      AUTH_CLIENTS: JSON.stringify([serviceAccount(changes)]),
    })

  test('is known by the hashes of its secrets alone', () => {
    expect(JSON.stringify(read({}))).not.toContain(SECRETS[0])
  })

  test.each([
    ['with a short secret', { client_secrets: ['short'] }, '0.client_secrets.0:'],
    ['without a secret', { client_secrets: [] }, '0: must have 1 to 2 secrets'],
    ['with three secrets', { client_secret_hashes: ['0'.repeat(64)] }, '0: must have 1 to 2 secrets'],
    ['with a hash that is none', { client_secret_hashes: ['abc'] }, '0.client_secret_hashes.0: must be SHA-256'],
    ['with an unknown scope', { scope: 'chat:read chat:delete' }, '0.scope.1:'],
    ['with redirect URIs', { redirect_uris: ['https://x.example/'] }, '0: Unrecognized key'],
    ['with another grant', { grant_types: ['password'] }, '0.grant_types.0:'],
  ])('%s is refused with a sentence', (_, changes, sentence) => {
    expect(() => read(changes)).toThrow(`AUTH_CLIENTS is wrong: ${sentence}`)
  })
})
