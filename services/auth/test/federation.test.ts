import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { createBrowser } from './browser.ts'
import { authorizationOf, exchangeCode, signIn } from './oauth-client.ts'
import { startUpstream, type Person, type UpstreamProvider } from './upstream-provider.ts'
import { beginWith, linkOf, signInAsPerson } from './upstream-sign-in.ts'

let system: AuthSystem
let instance: TestInstance
let lean: UpstreamProvider
let other: UpstreamProvider
beforeAll(async () => {
  ;[system, lean, other] = await Promise.all([
    startAuthSystem(),
    startUpstream('lean', { lean: true }),
    startUpstream('other', { lean: false }),
  ])
  instance = await startFresh()
})
afterAll(async () => {
  for (const opened of [instance, lean, other, system]) await opened?.[Symbol.asyncDispose]()
})

/** An instance that has not asked its upstreams for anything yet. */
const startFresh = () => system.start({ AUTH_UPSTREAMS: JSON.stringify([lean.entry, other.entry]) })

const begin = (upstream: UpstreamProvider, parameters: Record<string, string> = {}, at = instance) =>
  beginWith(at.send, upstream, parameters)
const signInWith = (upstream: UpstreamProvider, person: Person, at = instance) =>
  signInAsPerson(at.send, upstream, person)

const usersNamed = (name: string) =>
  system.query<{ id: string }>(`select id from auth.users where display_name = '${name}'`)

const personNamed = (name: string): Person => ({ sub: crypto.randomUUID(), name })

test('the page offers every upstream and, in development, a name', async () => {
  const { page } = await begin(lean)
  expect(page.html).toContain('Continue with Login lean')
  expect(page.html).toContain('Continue with Login other')
  expect(page.html).toContain('choose any name')
})

test('who signs in with an upstream is a user with the name and picture that it tells, whether in the ID token or later', async () => {
  for (const upstream of [lean, other]) {
    const person = { sub: crypto.randomUUID(), name: ' Ann Lee ', picture: 'https://pictures.example/ann.png' }
    const { userId, claims } = await signInWith(upstream, person)
    expect(claims).toMatchObject({ name: 'Ann Lee', picture: person.picture })
    const answer = await system.calls.getUsers({ userIds: [userId] })
    expect(answer).toMatchObject({ value: { users: [{ displayName: 'Ann Lee', avatarUrl: person.picture }] } })
  }
})

test('who comes again is the same user, and keeps the name and picture they came with first', async () => {
  const first = await signInWith(lean, personNamed('Bob'))
  const again = await signInWith(lean, { ...lean.person, sub: lean.person?.sub ?? '', name: 'Robert' })
  expect(again.userId).toBe(first.userId)
  expect(again.claims?.['name']).toBe('Bob')
})

test.each([
  ['no name', undefined, 'New user'],
  ['a name that is no text', { first: 'Ann' }, 'New user'],
  ['an empty name', '  ', 'New user'],
  ['a name that cannot be seen', '\u200b\u200d', 'New user'],
  ['a name that turns the text around', '\u202eecila', 'New user'],
  ['a name of two lines', 'Ann\nadmin', 'New user'],
  ['a long name', 'x'.repeat(10_000), 'x'.repeat(50)],
  ['a long name with a family at its end', `${'x'.repeat(48)}👨‍👩‍👧`, 'x'.repeat(48)],
  ['a name of markup', '<b>Ann</b>', '<b>Ann</b>'],
])('with %s someone can sign in too', async (_, name, shown) => {
  const { claims } = await signInWith(lean, { sub: crypto.randomUUID(), name })
  expect(claims?.['name']).toBe(shown)
})

test.each(['http://pictures.example/ann.png', 'javascript:alert(1)', 'data:image/png;base64,AA==', 'ann.png', 7])(
  'the picture %s is not taken',
  async (picture) => {
    const { claims } = await signInWith(other, { ...personNamed('Ann'), picture })
    expect(claims?.['picture']).toBeUndefined()
  },
)

test.each(['x'.repeat(256), 'nul\0in it', 'half \ud800'])('the subject %j signs nobody in', async (sub) => {
  other.person = { sub, name: 'Nobody' }
  const { browser, sent } = await begin(other)
  const page = await browser.open(await other.visit(sent.url))
  expect(page.response?.status).toBe(502)
  expect(await usersNamed('Nobody')).toEqual([])
})

test('a user is known by issuer and subject: the same subject elsewhere, or the same address, is another user', async () => {
  const person = { ...personNamed('Cleo'), email: 'cleo@mail.example', email_verified: true }
  const here = await signInWith(lean, person)
  const there = await signInWith(other, person)
  const sameAddress = await signInWith(lean, { ...person, sub: crypto.randomUUID() })
  expect(new Set([here.userId, there.userId, sameAddress.userId]).size).toBe(3)
})

test('two first sign-ins at once make one user', async () => {
  const person = personNamed('Dora')
  const both = await Promise.all([signInWith(other, person), signInWith(other, person)])
  expect(both[0].userId).toBe(both[1].userId)
  expect(await usersNamed('Dora')).toHaveLength(1)
})

test('two sign-ins in one browser do not disturb each other', async () => {
  lean.person = personNamed('Edda')
  const { browser, config, authorization, sent } = await begin(lean)
  const second = await authorizationOf(config)
  const secondSent = await browser.open(linkOf(await browser.open(second.url), lean))
  const done = await browser.open(await lean.visit(sent.url))
  const secondDone = await browser.open(await lean.visit(secondSent.url))
  await exchangeCode(config, done.url, authorization)
  await exchangeCode(config, secondDone.url, second)
})

test('another instance takes up what one began', async () => {
  await using second = await startFresh()
  lean.person = personNamed('Finn')
  const { sent, browser, config, authorization } = await begin(lean)
  const back = await lean.visit(sent.url)
  const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  const inner = (await second.send(back, { headers: { cookie } })).headers.get('location') ?? ''
  const resume = await second.send(inner, { headers: { cookie } })
  const callback = await browser.open(resume.headers.get('location') ?? '')
  await exchangeCode(config, callback.url, authorization)
})

test('what the app knows of the person is passed on, and so is that they must show again who they are', async () => {
  const { sent } = await begin(lean, { login_hint: 'ann@mail.example' })
  expect(sent.url.searchParams.get('login_hint')).toBe('ann@mail.example')
  expect(sent.url.searchParams.has('prompt')).toBe(false)
  for (const asked of [{ prompt: 'login' }, { max_age: '0' }]) {
    const again = await begin(lean, asked)
    expect(again.sent.url.searchParams.get('prompt')).toBe('login')
  }
})

test('another account takes the place of the one that is signed in', async () => {
  const { browser, config, userId } = await signInWith(lean, personNamed('Pia'))
  const authorization = await authorizationOf(config, { prompt: 'login' })
  const sent = await browser.open(linkOf(await browser.open(authorization.url), other))
  other.person = personNamed('Quin')
  // The library ends the session of the first with a form that submits itself.
  const goodbye = await browser.open(await other.visit(sent.url))
  const callback = await browser.submit(goodbye, {})
  const claims = (await exchangeCode(config, callback.url, authorization)).claims()
  expect(claims).toMatchObject({ name: 'Quin' })
  expect(claims?.sub).not.toBe(userId)
})

test('sends state, nonce and a PKCE challenge that are new every time', async () => {
  const [first, second] = [(await begin(lean)).sent.url.searchParams, (await begin(lean)).sent.url.searchParams]
  expect(first.get('code_challenge_method')).toBe('S256')
  expect(first.get('redirect_uri')).toBe('https://chat.example/oauth/sign-in/callback/lean')
  for (const name of ['state', 'nonce', 'code_challenge']) {
    expect(first.get(name)).toMatch(/^[\w.-]{43,}$/)
    expect(first.get(name)).not.toBe(second.get(name))
  }
})

test('who says no comes back to the page, and can go on from there', async () => {
  lean.person = null
  const { browser, config, authorization, sent } = await begin(lean)
  const page = await browser.open(await lean.visit(sent.url))
  expect(page.response?.status).toBe(403)
  expect(page.html).toContain('You did not sign in with Login lean.')
  lean.person = personNamed('Gert')
  const callback = await browser.open(await lean.visit((await browser.open(linkOf(page, lean))).url))
  await exchangeCode(config, callback.url, authorization)
})

test('an answer counts once: shown again it has expired, and makes no second user', async () => {
  const { browser, back, callback } = await signInWith(lean, personNamed('Hana'))
  expect(callback.response).toBeNull()
  const reloaded = await browser.open(back)
  expect(reloaded.response?.status).toBe(400)
  expect(reloaded.html).toContain('This sign-in has expired')
  expect(await usersNamed('Hana')).toHaveLength(1)
})

test('of an answer that is shown many times at once, one counts', async () => {
  lean.person = personNamed('Ines')
  const { browser, sent } = await begin(lean)
  const back = await lean.visit(sent.url)
  const visits = await Promise.all([1, 2, 3, 4].map(() => browser.open(back)))
  expect(visits.filter(({ response }) => response === null)).toHaveLength(1)
  expect(visits.filter(({ response }) => response?.status === 400)).toHaveLength(3)
})

test('an answer is for the browser that began: nobody can sign another one in by sending them a link', async () => {
  lean.person = personNamed('Mallory')
  const { browser, config, authorization, sent } = await begin(lean)
  const back = await lean.visit(sent.url)
  const victim = createBrowser(instance.send)
  await victim.open((await authorizationOf(config)).url)
  const refused = await victim.open(back)
  expect(refused.response?.status).toBe(400)
  expect(refused.html).toContain('This sign-in has expired')
  expect(await usersNamed('Mallory')).toEqual([])
  await exchangeCode(config, (await browser.open(back)).url, authorization)
})

test('after ten minutes an answer has expired', async () => {
  lean.person = personNamed('Late')
  const { browser, sent } = await begin(lean)
  const back = await lean.visit(sent.url)
  await system.query(
    `update auth.oauth_artifacts set payload = payload || '{"expiresAtMs": 1}' where type = 'UpstreamSignIn' and consumed_at is null`,
  )
  expect((await browser.open(back)).html).toContain('This sign-in has expired')
  expect(await usersNamed('Late')).toEqual([])
})

test.each([
  ['no state', (url: URL) => url.searchParams.delete('state')],
  ['an empty state', (url: URL) => url.searchParams.set('state', '')],
  ['a state of another kind', (url: URL) => url.searchParams.set('state', '../../evil')],
  ['a state that leads away', (url: URL) => url.searchParams.set('state', '//evil.example/.x')],
  ['a state that was never given out', changeEnd('state')],
  ['two states', (url: URL) => url.searchParams.append('state', 'x')],
  ['the name of another issuer', (url: URL) => url.searchParams.set('iss', other.issuer)],
  ['no issuer', (url: URL) => url.searchParams.delete('iss')],
  ['another code', changeEnd('code')],
  ['no code', (url: URL) => url.searchParams.delete('code')],
  ['two codes', (url: URL) => url.searchParams.append('code', 'x')],
  ['an ID token besides', (url: URL) => url.searchParams.set('id_token', 'x')],
])('an answer with %s signs nobody in', async (_, change) => {
  const person = personNamed('Nobody')
  lean.person = person
  const { browser, sent } = await begin(lean)
  const back = await lean.visit(sent.url)
  change(back)
  const refused = await browser.open(back)
  expect([400, 502]).toContain(refused.response?.status)
  expect(await usersNamed('Nobody')).toEqual([])
})

function changeEnd(parameter: string) {
  return (url: URL): void => {
    const value = url.searchParams.get(parameter) ?? ''
    url.searchParams.set(parameter, value.slice(0, -1) + (value.endsWith('x') ? 'y' : 'x'))
  }
}

test.each([
  ['nonce', 502],
  ['code_challenge', 400],
])('an answer to a request whose %s was changed on its way signs nobody in', async (parameter, status) => {
  lean.person = personNamed('Nobody')
  const { browser, sent } = await begin(lean)
  changeEnd(parameter)(sent.url)
  const refused = await browser.open(await lean.visit(sent.url))
  expect(refused.response?.status).toBe(status)
  expect(await usersNamed('Nobody')).toEqual([])
})

test('an answer of one upstream is nothing at the callback of another, and its code is not shown there', async () => {
  lean.person = personNamed('Mixed')
  const { browser, sent } = await begin(lean)
  const back = await lean.visit(sent.url)
  const asked = other.asked.get('/token') ?? 0
  back.pathname = back.pathname.replace(/lean$/, 'other')
  const refused = await browser.open(back)
  expect(refused.response?.status).toBe(400)
  expect(refused.html).toContain('sign_in_refused')
  expect(other.asked.get('/token') ?? 0).toBe(asked)

  const second = await begin(other)
  const ofLean = await lean.visit((await begin(lean)).sent.url)
  const swapped = new URL(`https://chat.example/oauth/sign-in/callback/other${ofLean.search}`)
  swapped.searchParams.set('state', second.sent.url.searchParams.get('state') ?? '')
  expect((await second.browser.open(swapped)).response?.status).toBe(400)
  expect(other.asked.get('/token') ?? 0).toBe(asked)
  expect(await usersNamed('Mixed')).toEqual([])
})

test('there is no way to or from an upstream that is not configured', async () => {
  const { browser, page } = await begin(lean)
  expect((await browser.open(`${page.url.pathname}/with/nobody`)).response?.status).toBe(404)
  expect((await browser.open(`${page.url.pathname}/from/nobody?state=a.b`)).response?.status).toBe(404)
  expect((await browser.open('/oauth/sign-in/callback/nobody?state=a.b')).response?.status).toBe(404)
})

test('an upstream that is away keeps nobody else from signing in; when it is there, it is one to sign in with', async () => {
  await other.stop()
  try {
    await using fresh = await startFresh()
    expect((await fresh.send('/health/ready')).status).toBe(200)
    await signInWith(lean, personNamed('Joan'), fresh)
    const { page, sent } = await begin(other, {}, fresh)
    expect(sent.response?.status).toBe(503)
    expect(sent.html).toContain('Login other does not answer right now.')
    expect(sent.html).toContain('upstream_unavailable')
    expect(linkOf(sent, other).href).toBe(linkOf(page, other).href)
    await other.start()
    await signInWith(other, personNamed('Kim'), fresh)
  } finally {
    if ((await fetch(other.issuer).catch(() => null)) === null) await other.start()
  }
})

test('an upstream may go away and change its keys: what it signs next is good', async () => {
  const person = personNamed('Lena')
  const { userId } = await signInWith(lean, person)
  await lean.rotateKeys()
  expect((await signInWith(lean, person)).userId).toBe(userId)
})

test('keeps in mind who signed in, with what and where, and who was refused', async () => {
  const { userId } = await signInWith(lean, personNamed('Nora'))
  const entriesOf = (condition: string) =>
    system.query(`select action, actor_id, details from auth.audit_entries where ${condition} order by id desc limit 1`)
  expect(await entriesOf(`user_id = '${userId}' and action = 'signed-in'`)).toEqual([
    { action: 'signed-in', actor_id: userId, details: { upstream: 'lean', client: 'parley-web' } },
  ])
  other.person = null
  const { browser, sent } = await begin(other)
  await browser.open(await other.visit(sent.url))
  expect(await entriesOf(`details->>'upstream' = 'other' and action = 'sign-in-refused'`)).toEqual([
    {
      action: 'sign-in-refused',
      actor_id: null,
      details: { upstream: 'other', client: 'parley-web', reason: 'denied' },
    },
  ])
  const named = (await signIn(instance.send, 'Olga')).tokens.claims()?.sub
  expect(await entriesOf(`user_id = '${named}' and action = 'signed-in'`)).toMatchObject([
    { details: { upstream: null } },
  ])
})
