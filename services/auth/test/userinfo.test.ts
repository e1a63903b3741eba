import { generateKeyPairSync } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ISSUER, startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { signIn } from './oauth-client.ts'

let system: AuthSystem
let instance: TestInstance
let tokens: Awaited<ReturnType<typeof signIn>>['tokens']
beforeAll(async () => {
  system = await startAuthSystem()
  instance = await system.start()
  tokens = (await signIn(instance.send, 'ann')).tokens
})
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

const ask = (authorization: string | undefined, init: RequestInit = {}) =>
  instance.send('/oauth/userinfo', {
    ...init,
    headers: { origin: 'https://app.example', ...(authorization === undefined ? {} : { authorization }) },
  })

test.each(['GET', 'POST'])('answers the bearer of an access token by %s, on any page', async (method) => {
  const response = await ask(`Bearer ${tokens.access_token}`, { method })
  expect(await response.json()).toEqual({ sub: tokens.claims()?.sub, name: 'ann' })
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(response.headers.get('cache-control')).toBe('no-store')
})

test('lets browsers ask first whether they may', async () => {
  const headers = {
    origin: 'https://app.example',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization',
  }
  const response = await instance.send('/oauth/userinfo', { method: 'OPTIONS', headers })
  expect(response.status).toBe(204)
  expect(response.headers.get('access-control-allow-headers')).toBe('authorization')
})

test('refuses whatever is not an access token of this issuer', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const claims = { sub: tokens.claims()?.sub, iss: ISSUER, aud: 'parley' }
  const keyid = jwt.decode(tokens.access_token, { complete: true })?.header.kid ?? ''
  const forged = jwt.sign(claims, privateKey, {
    algorithm: 'RS256',
    keyid,
    header: { alg: 'RS256', typ: 'at+jwt' },
    expiresIn: 60,
  })
  const unsigned = jwt.sign(claims, null, { algorithm: 'none', keyid, header: { alg: 'none', typ: 'at+jwt' } })
  const bearers = [forged, unsigned, tokens.id_token, tokens.refresh_token, `${tokens.access_token}x`, 'x', 'a.b.c']
  const wrong = [
    undefined,
    '',
    'Bearer',
    'Basic YTpi',
    tokens.access_token,
    ...bearers.map((token) => `Bearer ${token}`),
  ]
  for (const authorization of wrong) {
    const response = await ask(authorization)
    expect(response.status, authorization).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
  }
})
