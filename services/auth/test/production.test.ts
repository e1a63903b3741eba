import { BusError } from '@parley/bus'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem } from './auth-system.ts'
import { createBrowser } from './browser.ts'
import { authorizationOf, discoverClient } from './oauth-client.ts'

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
  expect(page.response?.status).toBe(404)
  const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  const body = new URLSearchParams({ name: 'alice' })
  expect((await instance.send(page.url, { method: 'POST', body, headers: { cookie } })).status).toBe(404)
  expect(await system.query('select * from auth.users')).toEqual([])
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
