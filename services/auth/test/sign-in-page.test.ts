import { hash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { createBrowser } from './browser.ts'
import { authorizationOf, discoverClient, signIn } from './oauth-client.ts'

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

async function openPage(parameters: Record<string, string> = {}) {
  const browser = createBrowser(instance.send)
  const { url } = await authorizationOf(await discoverClient(instance.send), parameters)
  return { browser, page: await browser.open(url) }
}

test('has the style that its policy allows', async () => {
  const { page } = await openPage()
  const style = /<style>([^]*)<\/style>/.exec(page.html)?.[1] ?? ''
  const policy = page.response?.headers.get('content-security-policy')
  expect(policy).toContain(`style-src 'sha256-${hash('sha256', style, 'base64')}'`)
})

test('shows the client, runs no script and lets its form lead only here and to the client', async () => {
  const { page } = await openPage()
  expect(page.response?.status).toBe(200)
  expect(page.html).toContain('Sign in to Parley')
  expect(page.html).not.toContain('<script')
  const policy = page.response?.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("script-src 'none'")
  expect(policy).toMatch(/form-action 'self' http:\/\/localhost:5173$/)
  expect(page.response?.headers.get('cache-control')).toBe('no-store')
})

test('escapes what it repeats', async () => {
  const hostile = `"><script>alert('1')</script>`
  const { browser, page } = await openPage({ login_hint: hostile })
  expect(page.html).toContain('value="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"')
  expect(page.html).not.toContain('<script')
  const again = await browser.submit(page, { name: `${hostile}\u202e` })
  expect(again.html).toContain('value="&quot;&gt;&lt;script&gt;')
  expect(again.html).not.toContain('<script')
})

test.each([
  ['', 'must not be empty'],
  ['   ', 'must not be empty'],
  ['x'.repeat(51), 'must have at most 50 characters'],
  ['two\nlines', 'must be one line without control characters'],
  ['tab\tin it', 'must be one line without control characters'],
  ['nul\0in it', 'must be well-formed Unicode'],
  ['\u202eecila', 'must be one line without control characters'],
  ['al\u200bice', 'must not contain invisible characters'],
  ['\u200d', 'must not contain invisible characters'],
  ['\u0301', 'must contain something that can be seen'],
])('refuses the name %j and says why', async (name, why) => {
  const { browser, page } = await openPage()
  const again = await browser.submit(page, { name })
  expect(again.response?.status).toBe(422)
  expect(again.html).toContain(`The name ${why}.`)
  const callback = await browser.submit(again, { name: 'alice' })
  expect(callback.url.searchParams.get('code')).toEqual(expect.any(String))
})

test.each(['  alice  ', 'علي', '李小龍', '👨‍👩‍👧', 'x'.repeat(50), `O'Brien & "Sons" <x>`])(
  'takes the name %j',
  async (name) => {
    const { tokens } = await signIn(instance.send, name)
    expect(tokens.claims()?.['name']).toBe(name.trim())
  },
)

test('knows a name again, whatever its case and however its accents are encoded', async () => {
  const spellings = ['Zoë', 'zoë', 'ZOË'.normalize('NFD')]
  const users = await Promise.all(
    spellings.map(async (name) => (await signIn(instance.send, name)).tokens.claims()?.sub),
  )
  expect(new Set(users).size).toBe(1)
})

test('is there only for the browser that began the sign-in, and only for a while', async () => {
  const { browser, page } = await openPage()
  const stranger = await createBrowser(instance.send).open(page.url)
  expect(stranger.response?.status).toBe(400)
  expect(stranger.html).toContain('This sign-in has expired')
  const posted = await createBrowser(instance.send).submit(page, { name: 'mallory' })
  expect(posted.response?.status).toBe(400)

  await browser.submit(page, { name: 'alice' })
  const used = await browser.open(page.url)
  expect(used.html).toContain('This sign-in has expired')
})

test('two sign-ins in one browser do not disturb each other', async () => {
  const browser = createBrowser(instance.send)
  const config = await discoverClient(instance.send)
  const [first, second] = [await authorizationOf(config), await authorizationOf(config)]
  const pages = [await browser.open(first.url), await browser.open(second.url)]
  const done = await browser.submit(pages[0]!, { name: 'alice' })
  expect(done.url.searchParams.get('state')).toBe(first.state)
})

test.each([
  ['a form that is too large', `name=${'x'.repeat(5_000)}`, 'application/x-www-form-urlencoded', 413],
  ['a form of another kind', '{"name":"alice"}', 'application/json', 422],
  ['several names', 'name=alice&name=bob', 'application/x-www-form-urlencoded', 422],
])('%s is refused', async (_, body, type, status) => {
  const { browser, page } = await openPage()
  const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  const headers = { 'content-type': type, cookie, accept: 'text/html' }
  const response = await instance.send(page.url, { method: 'POST', body, headers })
  expect(response.status).toBe(status)
  expect(await response.text()).not.toMatch(/node_modules|at \w+ \(/)
})
