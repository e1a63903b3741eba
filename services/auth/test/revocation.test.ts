import jwt from 'jsonwebtoken'
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { asClient, foreignApp, post, SECRETS, serviceAccount, serviceToken } from './clients.ts'
import { CLIENT_ID, signIn } from './oauth-client.ts'

const ADMIN_SECRET = 'the secret of the one that may ask for all'
const AUTH_CLIENTS = JSON.stringify([
  foreignApp,
  serviceAccount(),
  serviceAccount({ client_id: 'auditor', client_secrets: [ADMIN_SECRET], scope: 'admin' }),
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

const asAuditor = asClient('auditor', ADMIN_SECRET)

/** As the one that may ask for all is told. */
async function introspect(token: string | undefined, headers: Record<string, string> = asAuditor): Promise<object> {
  const response = await post(instance.send, '/oauth/introspection', { token: token ?? '' }, headers)
  expect(response.status).toBe(200)
  expect(response.headers.get('cache-control')).toBe('no-store')
  return (await response.json()) as object
}

const inactive = { active: false }
const active = expect.objectContaining({ active: true })

test('a revoked access token is good no more; its session goes on', async () => {
  const { config, tokens } = await signIn(instance.send, 'ann')
  const other = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  await client.tokenRevocation(config, tokens.access_token)
  expect(await introspect(tokens.access_token)).toEqual(inactive)
  await expect(client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)).rejects.toThrow()
  expect(await introspect(other.access_token)).toEqual(active)
  const { jti } = jwt.decode(tokens.access_token) as jwt.JwtPayload
  expect(await system.query(`select 1 from auth.revocations where token_id = '${jti}'`)).toHaveLength(1)
  await client.refreshTokenGrant(config, other.refresh_token ?? '')
})

test('a revoked refresh token ends the session with all its tokens', async () => {
  const { config, tokens } = await signIn(instance.send, 'bea')
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  await client.tokenRevocation(config, refreshed.refresh_token ?? '', { token_type_hint: 'refresh_token' })
  for (const token of [tokens.access_token, refreshed.access_token, tokens.refresh_token, refreshed.refresh_token]) {
    expect(await introspect(token)).toEqual(inactive)
  }
  const refreshing = client.refreshTokenGrant(config, refreshed.refresh_token ?? '')
  await expect(refreshing).rejects.toMatchObject({ error: 'invalid_grant' })
  const { sid } = jwt.decode(tokens.access_token) as jwt.JwtPayload
  const ended = await system.query(`select end_reason from auth.sessions where id = '${sid}'`)
  expect(ended).toEqual([{ end_reason: 'revoked' }])
})

test('revoking twice, or what never was a token, is no error', async () => {
  const { config, tokens } = await signIn(instance.send, 'cid')
  for (const token of [tokens.access_token, tokens.access_token, 'x', 'a.b.c', tokens.id_token ?? '']) {
    await client.tokenRevocation(config, token)
  }
})

test('nobody revokes the tokens of another client', async () => {
  const { tokens } = await signIn(instance.send, 'dora')
  for (const token of [tokens.access_token, tokens.refresh_token ?? '']) {
    const asForeign = await post(instance.send, '/oauth/revocation', { token, client_id: foreignApp.client_id })
    const asService = await post(instance.send, '/oauth/revocation', { token }, asClient('exporter', SECRETS[0]))
    expect([asForeign.status, asService.status]).toEqual([200, 200])
    expect(await introspect(token)).toEqual(active)
  }
})

test('a service account revokes its own access token', async () => {
  const token = await serviceToken(instance.send)
  expect(await introspect(token)).toEqual(active)
  await post(instance.send, '/oauth/revocation', { token }, asClient('exporter', SECRETS[1]))
  expect(await introspect(token)).toEqual(inactive)
})

test('introspection tells what a good token says', async () => {
  const { tokens } = await signIn(instance.send, 'eve')
  const { access_token: token, refresh_token: refresh } = tokens
  expect(await introspect(token)).toEqual({
    active: true,
    token_type: 'Bearer',
    ...(jwt.decode(token) as jwt.JwtPayload),
  })
  const { sub, sid } = jwt.decode(token) as jwt.JwtPayload
  expect(await introspect(refresh)).toMatchObject({ active: true, sub, sid, client_id: CLIENT_ID })
  const service = await serviceToken(instance.send)
  expect(await introspect(service)).toMatchObject({ active: true, service: true, scope: 'chat:read chat:write' })
})

test('introspection knows no token that is not ours, not for the API or over', async () => {
  const { tokens } = await signIn(instance.send, 'fay')
  const { sub } = jwt.decode(tokens.access_token) as jwt.JwtPayload
  for (const token of [tokens.id_token, `${tokens.access_token}x`, 'x', 'a.b.c', 'é\u0000']) {
    expect(await introspect(token)).toEqual(inactive)
  }
  expect(await introspect(tokens.access_token)).toEqual(active)
  await system.calls.signOutUser({ actor: { userId: sub ?? '', scopes: ['admin'] }, userId: sub ?? '' })
  expect(await introspect(tokens.access_token)).toEqual(inactive)
})

test('a service account that is no admin introspects its own tokens only', async () => {
  const headers = asClient('exporter', SECRETS[0])
  const { tokens } = await signIn(instance.send, 'gil')
  expect(await introspect(await serviceToken(instance.send), headers)).toEqual(active)
  expect(await introspect(await serviceToken(instance.send, 'auditor', ADMIN_SECRET), headers)).toEqual(inactive)
  expect(await introspect(tokens.access_token, headers)).toEqual(inactive)
  expect(await introspect(tokens.refresh_token, headers)).toEqual(inactive)
})

test.each([
  ['who is public', {}, { client_id: CLIENT_ID, token: 'x' }, 400, 'unauthorized_client'],
  ['with a wrong secret', asClient('exporter', 'wrong'), { token: 'x' }, 401, 'invalid_client'],
  ['with a public name and a secret', asClient(CLIENT_ID, 'x'), { token: 'x' }, 401, 'invalid_client'],
  ['without a name', {}, { token: 'x' }, 401, 'invalid_client'],
  ['without a token', asAuditor, {}, 400, 'invalid_request'],
  ['with two secrets', asAuditor, { token: 'x', client_secret: ADMIN_SECRET }, 400, 'invalid_request'],
  ['with two names', asAuditor, { token: 'x', client_id: 'exporter' }, 400, 'invalid_request'],
  ['with another scheme', { authorization: 'Bearer x' }, { token: 'x' }, 400, 'invalid_request'],
  ['with broken escapes', { authorization: `Basic ${btoa('%E0:%')}` }, { token: 'x' }, 400, 'invalid_request'],
  ['with too much', asAuditor, { token: 'x'.repeat(100_000) }, 400, 'invalid_request'],
])('a client %s is refused in the words of OAuth', async (_, headers, fields, status, error) => {
  const response = await post(
    instance.send,
    '/oauth/introspection',
    fields as Record<string, string>,
    headers as Record<string, string>,
  )
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error })
})

test('a parameter given twice is refused', async () => {
  const body = new URLSearchParams([
    ['token', 'x'],
    ['token', 'y'],
  ])
  const response = await instance.send('/oauth/revocation', { method: 'POST', body, headers: asAuditor })
  expect(await response.json()).toMatchObject({ error: 'invalid_request' })
})

test('apps in browsers may revoke from any page', async () => {
  const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST' }
  const asked = await instance.send('/oauth/revocation', { method: 'OPTIONS', headers })
  expect(asked.headers.get('access-control-allow-origin')).toBe('*')
  expect(asked.headers.get('access-control-allow-methods')).toBe('POST')
})
