import jwt from 'jsonwebtoken'
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type Send, type TestInstance } from './auth-system.ts'
import { createBrowser } from './browser.ts'
import { authorizationOf, exchangeCode, signIn } from './oauth-client.ts'

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

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

const inFirefox: Send = (url, init) =>
  instance.send(url, {
    ...init,
    headers: { ...Object.fromEntries(new Headers(init?.headers)), 'user-agent': FIREFOX },
  })

const claimsOf = (tokens: { access_token: string }) =>
  jwt.decode(tokens.access_token) as jwt.JwtPayload & { sid: string }

const isGood = async ({ access_token: token }: { access_token: string }) =>
  (await instance.send('/oauth/userinfo', { headers: { authorization: `Bearer ${token}` } })).status === 200

async function devicesOf(tokens: { access_token: string }) {
  const { sub = '', sid } = claimsOf(tokens)
  const listed = await system.calls.listDevices({ actor: { userId: sub, scopes: [], sessionId: sid } })
  if (!listed.ok) throw new Error(listed.refusal.code)
  return listed.value.devices
}

test('a sign-in is a session: its tokens name it, and it is called after the browser', async () => {
  const { config, tokens } = await signIn(inFirefox, 'ann')
  const { sid } = claimsOf(tokens)
  expect(await devicesOf(tokens)).toMatchObject([
    { id: sid, name: 'Firefox on Linux', client: 'parley-web', current: true },
  ])
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  expect(claimsOf(refreshed).sid).toBe(sid)
})

test('signing in again in the same browser goes on with its session; another browser has its own', async () => {
  const { browser, tokens } = await signIn(inFirefox, 'bea')
  const again = await signIn(inFirefox, 'bea', { browser })
  expect(claimsOf(again.tokens).sid).toBe(claimsOf(tokens).sid)
  const other = await signIn(instance.send, 'bea')
  expect(claimsOf(other.tokens).sid).not.toBe(claimsOf(tokens).sid)
  expect(await devicesOf(tokens)).toHaveLength(2)
})

test('each refresh is a use of the session', async () => {
  const { config, tokens } = await signIn(inFirefox, 'cid')
  const { sid } = claimsOf(tokens)
  await system.query(`update auth.sessions set last_used_at = last_used_at - interval '1 day' where id = '${sid}'`)
  const before = Date.now() - 60_000
  await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  const [device] = await devicesOf(tokens)
  expect(Date.parse(device?.lastUsedAt ?? '')).toBeGreaterThan(before)
})

test('signing out ends the session with its access tokens', async () => {
  const { browser, tokens } = await signIn(inFirefox, 'dora')
  expect(await isGood(tokens)).toBe(true)
  await browser.submit(await browser.open('/oauth/end-session'), { logout: 'yes' })
  expect(await isGood(tokens)).toBe(false)
  expect(await system.query(`select end_reason from auth.sessions where id = '${claimsOf(tokens).sid}'`)).toEqual([
    { end_reason: 'signed_out' },
  ])
  const { sub } = claimsOf(tokens)
  expect(
    await system.query(`select actor_id from auth.audit_entries where action = 'session-ended' and user_id = '${sub}'`),
  ).toEqual([{ actor_id: sub }])
  const next = await signIn(inFirefox, 'dora', { browser })
  expect(claimsOf(next.tokens).sid).not.toBe(claimsOf(tokens).sid)
})

test('what was asked for as offline access outlives the browser', async () => {
  const { browser, tokens } = await signIn(inFirefox, 'eve', {
    parameters: { prompt: 'consent', scope: 'openid offline_access' },
  })
  await browser.submit(await browser.open('/oauth/end-session'), { logout: 'yes' })
  expect(await isGood(tokens)).toBe(true)
})

test('a removed device gets no tokens any more, neither by refreshing nor by a code under way, and signs in anew', async () => {
  const { browser, config, tokens } = await signIn(inFirefox, 'fay')
  const { sub = '', sid } = claimsOf(tokens)
  const authorization = await authorizationOf(config)
  const callback = await browser.open(authorization.url)
  const other = await signIn(instance.send, 'fay')
  const actor = { userId: sub, scopes: [], sessionId: claimsOf(other.tokens).sid }
  expect(await system.calls.removeDevice({ actor, deviceId: sid })).toMatchObject({ ok: true })

  const refused = { error: 'invalid_grant' }
  await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject(refused)
  await expect(exchangeCode(config, callback.url, authorization)).rejects.toMatchObject(refused)
  expect(await isGood(tokens)).toBe(false)
  expect(await isGood(other.tokens)).toBe(true)
  const page = await browser.open((await authorizationOf(config)).url)
  expect(page.html).toContain('Sign in to Parley')
})

test('a session that ends while a code is exchanged gives nothing out', async () => {
  const browser = createBrowser(instance.send)
  const { config } = await signIn(instance.send, 'gil', { browser })
  const authorization = await authorizationOf(config)
  const callback = await browser.open(authorization.url)
  await system.query(`update auth.sessions set ended_at = now(), end_reason = 'revoked' where ended_at is null`)
  await expect(exchangeCode(config, callback.url, authorization)).rejects.toMatchObject({ error: 'invalid_grant' })
})
