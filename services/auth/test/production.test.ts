import { BusError } from '@parley/bus'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Upstreams } from '../src/domain/upstream.ts'
import { startAuthSystem, type AuthSystem } from './auth-system.ts'
import { createBrowser } from './browser.ts'
import { authorizationOf, discoverClient, exchangeCode } from './oauth-client.ts'
import { startUpstream } from './upstream-provider.ts'

let system: AuthSystem
beforeAll(async () => {
  system = await startAuthSystem()
})
afterAll(() => system?.[Symbol.asyncDispose]())

const production = {
  PARLEY_ENV: 'production',
  AUTH_CLIENTS: JSON.stringify([{ client_id: 'app', redirect_uris: ['https://app.example/callback'] }]),
}

test('in production nobody signs in by a name alone: neither by a call nor by a page', async () => {
  await using instance = await system.start(production)
  const call = system.calls.signInForDevelopment({ name: 'alice', admin: true })
  await expect(call).rejects.toSatisfy((error) => error instanceof BusError && error.code === 'unavailable')

  const config = await discoverClient(instance.send, 'app')
  const { url } = await authorizationOf(config, { redirect_uri: 'https://app.example/callback' })
  const browser = createBrowser(instance.send)
  const page = await browser.open(url)
  expect(page.url.pathname).toMatch(/^\/oauth\/sign-in\//)
  expect(page.response?.status).toBe(503)
  expect(page.html).toContain('Signing in is not set up on this server yet.')
  expect(page.html).not.toContain('<form')
  const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  const body = new URLSearchParams({ name: 'alice' })
  expect((await instance.send(page.url, { method: 'POST', body, headers: { cookie } })).status).toBe(404)
  expect(await system.query('select * from auth.users')).toEqual([])
})

test('in production with one upstream people go straight there; a name alone is refused all the same', async () => {
  await using upstream = await startUpstream('only', { lean: false })
  const upstreams = Upstreams({ development: true }).parse([upstream.entry])
  await using instance = await system.start(production, { upstreams })
  const config = await discoverClient(instance.send, 'app')
  const { url, ...secrets } = await authorizationOf(config, { redirect_uri: 'https://app.example/callback' })
  const browser = createBrowser(instance.send)
  const sent = await browser.open(url)
  expect(sent.url.origin).toBe(upstream.issuer)

  const begun = browser.cookies.find(({ path }) => path.startsWith('/oauth/sign-in/'))
  const headers = { cookie: `${begun?.name}=${begun?.value}`, accept: 'text/html' }
  const posted = { method: 'POST', body: new URLSearchParams({ name: 'alice' }), headers }
  expect((await instance.send(begun?.path ?? '', posted)).status).toBe(404)
  expect(await system.query('select * from auth.users')).toEqual([])

  upstream.person = null
  const denied = await browser.open(await upstream.visit(sent.url))
  expect(denied.html).toContain('You did not sign in with Login only.')
  expect(denied.html).not.toContain('<form')
  const policy = denied.response?.headers.get('content-security-policy') ?? ''
  expect(policy).toMatch(/form-action 'self'$/)

  upstream.person = { sub: 'ann', name: 'Ann' }
  const callback = await browser.open(await upstream.visit((await browser.open(url)).url))
  const tokens = await exchangeCode(config, callback.url, { url, ...secrets })
  expect(tokens.claims()?.['name']).toBe('Ann')
})

test('in production there is no client but those that are configured', async () => {
  await using instance = await system.start(production)
  const { url } = await authorizationOf(await discoverClient(instance.send))
  const page = await createBrowser(instance.send).open(url)
  expect(page.response?.status).toBe(400)
  expect(page.html).toContain('invalid_client')
})

test('production starts, is ready and answers its other calls', async () => {
  await using instance = await system.start({ PARLEY_ENV: 'production' })
  expect((await instance.send('/health/ready')).status).toBe(200)
  const answer = await system.calls.getUsers({ userIds: [crypto.randomUUID()] })
  expect(answer).toEqual({ ok: true, value: { users: [] } })
})
