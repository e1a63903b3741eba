import jwt from 'jsonwebtoken'
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type Send, type TestInstance } from './auth-system.ts'
import { authorizationOf, exchangeCode, signIn } from './oauth-client.ts'

const other = { client_id: 'other-app', redirect_uris: ['http://localhost:5173/callback'], application_type: 'native' }

let system: AuthSystem
let instances: TestInstance[]
beforeAll(async () => {
  system = await startAuthSystem()
  const environment = { AUTH_CLIENTS: JSON.stringify([other]) }
  instances = await Promise.all([system.start(environment), system.start(environment)])
})
afterAll(async () => {
  for (const instance of instances ?? []) await instance[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

/** Each request comes to the other instance. */
let turn = 0
const alternating: Send = (url, init) => instances[(turn += 1) % 2]!.send(url, init)

const actorOf = ({ tokens }: { tokens: { access_token: string } }) => {
  const { sub, sid } = jwt.decode(tokens.access_token) as jwt.JwtPayload
  return { userId: String(sub), scopes: ['admin'], sessionId: String(sid) }
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
}

/** Whether anything can still be done with them. */
async function isAnyGood(config: client.Configuration, tokens: Tokens): Promise<boolean> {
  const uses = [
    client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck),
    client.refreshTokenGrant(config, tokens.refresh_token ?? ''),
  ]
  return (await Promise.allSettled(uses)).some(({ status }) => status === 'fulfilled')
}

const TRIES = Array.from({ length: 8 }, (_, index) => index)

test.each(TRIES)('a device that is removed while it refreshes on and on has nothing left (try %i)', async (index) => {
  const name = `refreshing ${index}`
  const [device, remover] = await Promise.all([signIn(alternating, name), signIn(alternating, name)])
  const got: Tokens[] = [device.tokens]
  const enough = Promise.withResolvers<void>()
  async function refreshOn(): Promise<void> {
    for (;;) {
      const refreshed = await client
        .refreshTokenGrant(device.config, got.at(-1)?.refresh_token ?? '')
        .catch((error: unknown) => error as client.ResponseBodyError)
      if (refreshed instanceof Error) {
        expect(refreshed).toMatchObject({ error: 'invalid_grant' })
        return
      }
      if (got.push(refreshed) > 1 + (index % 5)) enough.resolve()
    }
  }
  const refreshing = Promise.all([refreshOn(), refreshOn(), refreshOn()])
  await enough.promise
  const { sessionId: deviceId } = actorOf(device)
  expect(await system.calls.removeDevice({ actor: actorOf(remover), deviceId })).toMatchObject({ ok: true })
  await refreshing
  for (const tokens of got) expect(await isAnyGood(device.config, tokens)).toBe(false)
  expect(await isAnyGood(remover.config, remover.tokens)).toBe(true)
})

test.each(TRIES)('a user who is signed out while their browser signs in on and on is out (try %i)', async (index) => {
  const asked = { prompt: 'consent', scope: 'openid offline_access' }
  const signedIn = await signIn(alternating, `signing in ${index}`, { parameters: asked })
  const { browser, config } = signedIn
  const clients = [config.clientMetadata().client_id, other.client_id]
  const got: Tokens[] = []
  const enough = Promise.withResolvers<void>()
  async function signInOn(clientId: string): Promise<void> {
    for (;;) {
      const authorization = await authorizationOf(config, { ...asked, client_id: clientId })
      const { url, response } = await browser.open(authorization.url)
      if (response !== null || !url.searchParams.has('code')) return
      const own = new client.Configuration(config.serverMetadata(), clientId, undefined, client.None())
      own[client.customFetch] = (at, init) => alternating(at, init as RequestInit)
      const tokens = await exchangeCode(own, url, authorization).catch(() => undefined)
      if (tokens === undefined) return
      if (got.push(tokens) > index % 4) enough.resolve()
    }
  }
  const signingIn = Promise.all(clients.map(signInOn))
  await enough.promise
  const { userId } = actorOf(signedIn)
  expect(await system.calls.signOutUser({ actor: actorOf(signedIn), userId })).toMatchObject({ ok: true })
  await signingIn
  const open = await system.query(`select id from auth.sessions where user_id = '${userId}' and ended_at is null`)
  expect(open).toEqual([])
  for (const tokens of got) expect(await isAnyGood(config, tokens)).toBe(false)
  expect((await browser.open((await authorizationOf(config)).url)).html).toContain('Sign in to Parley')
})

test('two apps that sign in at once in one browser both get what they asked for', async () => {
  for (const name of ['ann', 'bea', 'cid', 'dora']) {
    const { browser, config } = await signIn(alternating, name)
    const [first, second] = [
      await authorizationOf(config),
      await authorizationOf(config, { client_id: other.client_id }),
    ]
    const [back, otherBack] = await Promise.all([browser.open(first.url), browser.open(second.url)])
    const otherConfig = new client.Configuration(config.serverMetadata(), other.client_id, undefined, client.None())
    otherConfig[client.customFetch] = (at, init) => alternating(at, init as RequestInit)
    await exchangeCode(config, back.url, first)
    const tokens = await exchangeCode(otherConfig, otherBack.url, second)
    await client.refreshTokenGrant(otherConfig, tokens.refresh_token ?? '')
  }
})
