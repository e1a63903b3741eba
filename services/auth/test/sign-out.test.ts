import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { authorizationOf, signIn } from './oauth-client.ts'

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

test('signing out asks first, then ends the session and its refresh tokens and leads back to the client', async () => {
  const { browser, config, tokens } = await signIn(instance.send, 'ann')
  const url = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token ?? '',
    post_logout_redirect_uri: 'http://localhost:5173/',
    state: 'kept',
  })
  const page = await browser.open(url)
  expect(page.html).toContain('Sign out?')
  expect(page.response?.headers.get('content-security-policy')).toContain("form-action 'self' http://localhost:5173")
  const back = await browser.submit(page, { logout: 'yes' })
  expect(back.url.href).toBe('http://localhost:5173/?state=kept')

  await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
    error: 'invalid_grant',
  })
  const next = await browser.open((await authorizationOf(config)).url)
  expect(next.html).toContain('Sign in to Parley')
})

test('what was asked for as offline access stays good', async () => {
  const { browser, config, tokens } = await signIn(instance.send, 'dora', {
    parameters: { prompt: 'consent', scope: 'openid offline_access' },
  })
  await browser.submit(await browser.open('/oauth/end-session'), { logout: 'yes' })
  await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
})

test('without a client to go back to, a page says that it is done', async () => {
  const { browser } = await signIn(instance.send, 'bea')
  const page = await browser.submit(await browser.open('/oauth/end-session'), { logout: 'yes' })
  expect(page.html).toContain('You are signed out')
})

test('nobody is led to an address that is not registered', async () => {
  const { browser, config } = await signIn(instance.send, 'cid')
  const page = await browser.open(
    client.buildEndSessionUrl(config, { post_logout_redirect_uri: 'https://evil.example/' }),
  )
  expect(page.response?.status).toBe(400)
  expect(page.html).toContain('This did not work')
})
