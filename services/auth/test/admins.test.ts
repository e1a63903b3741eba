import jwt from 'jsonwebtoken'
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Upstreams } from '../src/domain/upstream.ts'
import { startAuthSystem, type AuthSystem } from './auth-system.ts'
import { createBrowser } from './browser.ts'
import { asClient, foreignApp, FOREIGN_REDIRECT_URI, post, SECRETS, serviceAccount } from './clients.ts'
import { authorizationOf, discoverClient, exchangeCode } from './oauth-client.ts'
import { startUpstream, type UpstreamProvider } from './upstream-provider.ts'

const own = { client_id: 'app', redirect_uris: ['https://app.example/callback'] }
const production = {
  PARLEY_ENV: 'production',
  AUTH_CLIENTS: JSON.stringify([own, foreignApp, serviceAccount()]),
}

let system: AuthSystem
let upstream: UpstreamProvider
let elsewhere: UpstreamProvider
beforeAll(async () => {
  ;[system, upstream, elsewhere] = await Promise.all([
    startAuthSystem(),
    startUpstream('here', { lean: false }),
    startUpstream('elsewhere', { lean: false }),
  ])
})
afterAll(async () => {
  for (const opened of [upstream, elsewhere, system]) await opened?.[Symbol.asyncDispose]()
})

/** In production, where `root` of the upstream `here` is an administrator, and perhaps nobody else. */
const start = (admins = [{ issuer: upstream.issuer, subject: 'root' }], through = upstream) =>
  system.start(production, { admins, upstreams: Upstreams({ development: true }).parse([through.entry]) })

type Instance = Awaited<ReturnType<typeof start>>

async function tokensOf(instance: Instance, sub: string, { app = own, through = upstream, scope = 'openid profile' }) {
  through.person = { sub, name: sub }
  const browser = createBrowser(instance.send)
  const config = await discoverClient(instance.send, app.client_id)
  const authorization = await authorizationOf(config, { redirect_uri: app.redirect_uris[0] ?? '', scope })
  const back = await browser.open(await through.visit((await browser.open(authorization.url)).url))
  const callback = back.response === null ? back : await browser.submit(back, { answer: 'allow' })
  return { config, tokens: await exchangeCode(config, callback.url, authorization) }
}

const scopeOf = ({ access_token: token }: { access_token: string }) => (jwt.decode(token) as jwt.JwtPayload)['scope']

test('an administrator has the scope admin in tokens of Parley’s own apps, without asking, also after a refresh', async () => {
  await using instance = await start()
  const { config, tokens } = await tokensOf(instance, 'root', {})
  expect(scopeOf(tokens)).toBe('openid profile admin')
  expect(tokens.scope).toBe('openid profile admin')
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  expect(scopeOf(refreshed)).toBe('openid profile admin')
})

test('who is no administrator any more has no such token any more', async () => {
  await using before = await start()
  const { tokens } = await tokensOf(before, 'root', {})
  await using after = await start([])
  const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '', client_id: own.client_id }
  const refreshed = await (await post(after.send, '/oauth/token', form)).json()
  expect(scopeOf(refreshed as { access_token: string })).toBe('openid profile')
})

test('nobody else gets it: not by asking, not in the app of somebody else, not with the same subject elsewhere', async () => {
  await using instance = await start()
  const scope = 'openid profile admin'
  expect(scopeOf((await tokensOf(instance, 'ann', { scope })).tokens)).toBe('openid profile')
  const foreign = { ...foreignApp, redirect_uris: [FOREIGN_REDIRECT_URI] }
  expect(scopeOf((await tokensOf(instance, 'root', { app: foreign, scope })).tokens)).toBe('openid profile')
  await using other = await start(undefined, elsewhere)
  expect(scopeOf((await tokensOf(other, 'root', { through: elsewhere, scope })).tokens)).toBe('openid profile')
  const asked = { grant_type: 'client_credentials', scope: 'chat:read admin' }
  const answer = await post(instance.send, '/oauth/token', asked, asClient('exporter', SECRETS[0]))
  expect(await answer.json()).toMatchObject({ scope: 'chat:read' })
})
