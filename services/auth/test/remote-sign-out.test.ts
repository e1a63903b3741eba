import jwt from 'jsonwebtoken'
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { authorizationOf, signIn } from './oauth-client.ts'

const other = { client_id: 'other-app', redirect_uris: ['http://localhost:5173/callback'], application_type: 'native' }

let system: AuthSystem
let instance: TestInstance
beforeAll(async () => {
  system = await startAuthSystem()
  instance = await system.start({ AUTH_CLIENTS: JSON.stringify([other]) })
})
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

type SignedIn = Awaited<ReturnType<typeof signIn>>

const actorOf = ({ tokens }: SignedIn) => {
  const { sub, sid } = jwt.decode(tokens.access_token) as jwt.JwtPayload
  return { userId: String(sub), scopes: [], sessionId: String(sid) }
}
const refresh = ({ config, tokens }: SignedIn) => client.refreshTokenGrant(config, tokens.refresh_token ?? '')
const refused = { error: 'invalid_grant' }

/** Whether the browser gets a code without asking who is there. */
async function isSignedIn({ browser, config }: SignedIn): Promise<boolean> {
  const visit = await browser.open((await authorizationOf(config)).url)
  return visit.url.searchParams.has('code')
}

test('a removed device gets no tokens any more, and its browser has to sign in again', async () => {
  const phone = await signIn(instance.send, 'ann')
  const laptop = await signIn(instance.send, 'ann')
  expect(await isSignedIn(phone)).toBe(true)
  const deviceId = actorOf(phone).sessionId
  expect(await system.calls.removeDevice({ actor: actorOf(laptop), deviceId })).toEqual({ ok: true, value: {} })

  await expect(refresh(phone)).rejects.toMatchObject(refused)
  expect(await isSignedIn(phone)).toBe(false)
  expect(await isSignedIn(laptop)).toBe(true)
  await refresh(laptop)
})

test('what is signed in by the same browser ends with it, but for offline access', async () => {
  const app = await signIn(instance.send, 'bea')
  const { browser } = app
  const second = await signIn(instance.send, 'bea', { browser, clientId: other.client_id })
  expect(actorOf(second).sessionId).not.toBe(actorOf(app).sessionId)
  const elsewhere = await signIn(instance.send, 'bea')
  const deviceId = actorOf(app).sessionId
  await system.calls.removeDevice({ actor: actorOf(elsewhere), deviceId })
  await expect(refresh(second)).rejects.toMatchObject(refused)
  expect(await system.calls.listDevices({ actor: actorOf(elsewhere) })).toMatchObject({
    ok: true,
    value: { devices: [{ id: actorOf(elsewhere).sessionId, current: true }] },
  })
})

test('who removes another app of the same browser stays signed in', async () => {
  const app = await signIn(instance.send, 'cid')
  const { browser } = app
  const second = await signIn(instance.send, 'cid', { browser, clientId: other.client_id })
  const deviceId = actorOf(second).sessionId
  expect(await system.calls.removeDevice({ actor: actorOf(app), deviceId })).toMatchObject({ ok: true })
  await expect(refresh(second)).rejects.toMatchObject(refused)
  await refresh(app)
  expect(await isSignedIn(app)).toBe(true)
})

test('all other devices are signed out with their browsers, and with codes that are on their way', async () => {
  const [phone, tablet, laptop] = [
    await signIn(instance.send, 'dora'),
    await signIn(instance.send, 'dora'),
    await signIn(instance.send, 'dora'),
  ]
  const underway = await authorizationOf(phone.config)
  const callback = await phone.browser.open(underway.url)
  expect(await system.calls.removeOtherDevices({ actor: actorOf(laptop) })).toEqual({ ok: true, value: { removed: 2 } })
  for (const removed of [phone, tablet]) {
    await expect(refresh(removed)).rejects.toMatchObject(refused)
    expect(await isSignedIn(removed)).toBe(false)
  }
  const late = client.authorizationCodeGrant(phone.config, callback.url, {
    pkceCodeVerifier: underway.verifier,
    expectedState: underway.state,
    expectedNonce: underway.nonce,
  })
  await expect(late).rejects.toMatchObject(refused)
  await client.fetchUserInfo(laptop.config, laptop.tokens.access_token, client.skipSubjectCheck)
  await refresh(laptop)
  expect(await isSignedIn(laptop)).toBe(true)
})

test('who is signed out by an administrator has nothing left, and can sign in again', async () => {
  const [phone, root] = [await signIn(instance.send, 'eve'), await signIn(instance.send, 'root')]
  const { userId } = actorOf(phone)
  expect(await system.calls.signOutUser({ actor: actorOf(root), userId })).toEqual({ ok: true, value: { removed: 1 } })
  const left = await system.query(`select type from auth.oauth_artifacts where payload ->> 'accountId' = '${userId}'`)
  expect(left).toEqual([])
  await expect(refresh(phone)).rejects.toMatchObject(refused)
  expect(await isSignedIn(phone)).toBe(false)
  await refresh(await signIn(instance.send, 'eve'))
})
