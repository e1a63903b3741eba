import jwt from 'jsonwebtoken'
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { createBrowser } from './browser.ts'
import { foreignApp, FOREIGN_REDIRECT_URI } from './clients.ts'
import { authorizationOf, discoverClient, exchangeCode } from './oauth-client.ts'

let system: AuthSystem
let instance: TestInstance
beforeAll(async () => {
  system = await startAuthSystem()
  instance = await system.start({ AUTH_CLIENTS: JSON.stringify([foreignApp]) })
})
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

/** On the way to the client of somebody else, signed in. */
async function askedFor(name: string, parameters: Record<string, string> = {}, browser = createBrowser(instance.send)) {
  const config = await discoverClient(instance.send, foreignApp.client_id)
  const authorization = await authorizationOf(config, { redirect_uri: FOREIGN_REDIRECT_URI, ...parameters })
  const page = await browser.open(authorization.url)
  const isSignIn = page.url.pathname.startsWith('/oauth/sign-in/')
  return { browser, config, authorization, page: isSignIn ? await browser.submit(page, { name }) : page }
}

test('the client of somebody else is allowed first: its name, where it waits and what it may do are shown', async () => {
  const { browser, config, authorization, page } = await askedFor('ann')
  expect(page.url.pathname).toMatch(/^\/oauth\/consent\//)
  expect(page.html).toContain('Allow Calendar to use Parley as you?')
  expect(page.html).toContain('calendar.example')
  expect(page.html).toContain('read, write and delete messages as you')
  expect(page.html).toContain('ann')
  expect(page.html).not.toContain('stay signed in')
  const policy = page.response?.headers.get('content-security-policy')
  expect(policy).toMatch(/form-action 'self' https:\/\/calendar.example$/)

  const callback = await browser.submit(page, { answer: 'allow' })
  expect(callback.url.origin).toBe('https://calendar.example')
  const tokens = await exchangeCode(config, callback.url, authorization)
  const claims = jwt.decode(tokens.access_token) as jwt.JwtPayload
  expect(claims).toMatchObject({ client_id: 'calendar', scope: 'openid profile', sid: expect.any(String) })
  const sessions = await system.query(`select client from auth.sessions where id = '${claims['sid']}'`)
  expect(sessions).toEqual([{ client: 'calendar' }])
})

test('who denies is led back and the client is told', async () => {
  const { browser, page } = await askedFor('bea')
  const callback = await browser.submit(page, { answer: 'deny' })
  expect(callback.url.origin).toBe('https://calendar.example')
  expect(callback.url.searchParams.get('error')).toBe('access_denied')
  expect(callback.url.searchParams.has('code')).toBe(false)
  const { page: again } = await askedFor('bea', {}, browser)
  expect(again.url.pathname).toMatch(/^\/oauth\/consent\//)
})

test('what was allowed is not asked again in this browser; what is new is', async () => {
  const first = await askedFor('cid', { scope: 'openid' })
  expect(first.page.html).not.toContain('see your name and picture')
  const callback = await first.browser.submit(first.page, { answer: 'allow' })
  const { sid } = jwt.decode(
    (await exchangeCode(first.config, callback.url, first.authorization)).access_token,
  ) as jwt.JwtPayload

  const same = await askedFor('cid', { scope: 'openid' }, first.browser)
  expect(same.page.response).toBeNull()
  const more = await askedFor('cid', { scope: 'openid profile' }, first.browser)
  expect(more.page.html).toContain('see your name and picture')
  const allowed = await first.browser.submit(more.page, { answer: 'allow' })
  const tokens = await exchangeCode(more.config, allowed.url, more.authorization)
  expect(jwt.decode(tokens.access_token)).toMatchObject({ sid, scope: 'openid profile' })
})

test('a client gets nothing that it did not ask for', async () => {
  const { browser, config, authorization, page } = await askedFor('dora', { scope: 'openid' })
  const callback = await browser.submit(page, { answer: 'allow' })
  const tokens = await exchangeCode(config, callback.url, authorization)
  expect(jwt.decode(tokens.access_token)).toMatchObject({ scope: 'openid' })
  expect(tokens.claims()).not.toHaveProperty('name')
  const asked = client.refreshTokenGrant(config, tokens.refresh_token ?? '', { scope: 'openid profile' })
  await expect(asked).rejects.toMatchObject({ error: 'invalid_scope' })
})

test('a client that wants to stay is allowed that, each time it asks to ask', async () => {
  const parameters = { prompt: 'consent', scope: 'openid offline_access' }
  const { browser, config, authorization, page } = await askedFor('eve', parameters)
  expect(page.html).toContain('stay signed in when you sign out of this browser')
  const callback = await browser.submit(page, { answer: 'allow' })
  const tokens = await exchangeCode(config, callback.url, authorization)
  const again = await askedFor('eve', parameters, browser)
  expect(again.page.url.pathname).toMatch(/^\/oauth\/consent\//)
  await browser.submit(await browser.open('/oauth/end-session'), { logout: 'yes' })
  await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
})

test('without a page nothing is allowed', async () => {
  const { browser } = await askedFor('fay')
  const { page } = await askedFor('fay', { prompt: 'none' }, browser)
  expect(page.url.searchParams.get('error')).toBe('consent_required')
})

test('nobody answers what another browser is asked', async () => {
  const { page } = await askedFor('gil')
  const stranger = await askedFor('hal')
  for (const visit of [
    await stranger.browser.open(page.url),
    await stranger.browser.submit(page, { answer: 'allow' }),
  ]) {
    expect(visit.response?.status).toBe(400)
    expect(visit.html).toContain('This sign-in has expired')
  }
})

test('who was signed out before the answer has to sign in again', async () => {
  const { browser, page } = await askedFor('joe')
  const [user] = await system.query<{ id: string }>(`select id from auth.users where display_name = 'joe'`)
  await system.calls.signOutUser({ actor: { userId: user!.id, scopes: ['admin'] }, userId: user!.id })
  const answered = await browser.submit(page, { answer: 'allow' })
  expect(answered.html).toContain('This sign-in has expired')
  const { url } = await authorizationOf(await discoverClient(instance.send, foreignApp.client_id), {
    redirect_uri: FOREIGN_REDIRECT_URI,
  })
  expect((await browser.open(url)).html).toContain('Sign in to Calendar')
  expect(await system.query(`select id from auth.sessions where user_id = '${user!.id}'`)).toEqual([])
})

test('escapes what clients call themselves', async () => {
  const hostile = { ...foreignApp, client_id: 'hostile', client_name: '<b onclick="x">' }
  await using other = await system.start({ AUTH_CLIENTS: JSON.stringify([hostile]) })
  const browser = createBrowser(other.send)
  const config = await discoverClient(other.send, 'hostile')
  const { url } = await authorizationOf(config, { redirect_uri: FOREIGN_REDIRECT_URI })
  const page = await browser.submit(await browser.open(url), { name: 'ida' })
  expect(page.html).toContain('Allow &lt;b onclick=&quot;x&quot;&gt; to use Parley')
})
