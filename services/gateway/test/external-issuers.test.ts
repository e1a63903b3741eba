import { randomUUID } from 'node:crypto'
import { serve } from '@parley/bus'
import { auth, type Actor } from '@parley/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startExternalIssuer, type ExternalIssuer } from './external-issuer.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { upgradeStatus } from './upgrade-status.ts'

let plain: ExternalIssuer
/** Calls things by other names, and has administrators. */
let custom: ExternalIssuer
let gateway: TestGateway
/** Who asked `auth` who they are, in the order of asking. */
const asked: Actor[] = []

beforeAll(async () => {
  ;[plain, custom] = await Promise.all([startExternalIssuer('RS256'), startExternalIssuer('ES256')])
  gateway = await startTestGateway({
    issuers: [
      { issuer: plain.url, audience: 'parley', algorithms: ['RS256'] },
      {
        issuer: custom.url,
        audience: 'api://parley',
        algorithms: ['ES256', 'RS256'],
        types: ['JWT'],
        claims: { user: 'oid', name: 'preferred_username', picture: 'photo', session: 'session_id', scope: 'roles' },
        admin_scope: 'Chat.Admin',
        max_age_hours: 1,
      },
    ],
  })
  await serve(gateway.bus, auth, {
    async getMe({ actor }) {
      asked.push(actor)
      return { id: actor.userId, displayName: 'Somebody', avatarUrl: null, createdAt: '2026-01-01T00:00:00.000Z' }
    },
  })
}, 60_000)
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await plain?.stop()
  await custom?.stop()
})

async function ask(token: string): Promise<{ status: number; userId?: string; code?: string; actor?: Actor }> {
  const answer = await fetch(`${gateway.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })
  const { id, code } = (await answer.json()) as { id?: string; code?: string }
  const actor = asked.findLast(({ userId }) => userId === id)
  return {
    status: answer.status,
    ...(id === undefined ? {} : { userId: id }),
    ...(code === undefined ? {} : { code }),
    ...(actor === undefined ? {} : { actor }),
  }
}

const bySubject = (subject: string) => gateway.auth.recognized.filter((bearer) => bearer.subject === subject)

test('a user is made at first sight, with what the token says of them, and is the same ever after', async () => {
  const sub = randomUUID()
  const claims = { sub, name: 'Alice', picture: 'https://login.example/alice.png', sid: 'laptop' }
  const [one, two, three] = await Promise.all([
    ask(plain.token(claims)),
    ask(plain.token(claims)),
    ask(plain.token({ sub, sid: 'laptop' })),
  ])
  expect([one.status, two, three]).toEqual([200, one, one])
  const [bearer, ...others] = bySubject(sub)
  expect(others).toEqual([])
  expect(bearer).toMatchObject({ issuer: plain.url, subject: sub, session: 'laptop' })
  expect(['Alice', null]).toContain(bearer?.displayName)
  expect(one.actor).toEqual({ userId: one.userId, scopes: [], sessionId: `${plain.url} laptop` })
  expect(await upgradeStatus(gateway.url, `/hubs/chat?access_token=${plain.token(claims)}`)).toBe(101)
  expect(bySubject(sub).length).toBe(1)
})

test('another session is told to auth, and a token without one has none', async () => {
  const sub = randomUUID()
  const phone = await ask(plain.token({ sub, sid: 'phone' }))
  const none = await ask(plain.token({ sub }))
  expect(bySubject(sub).map(({ session }) => session)).toEqual(['phone', null])
  expect([phone.actor?.sessionId, none.actor?.sessionId]).toEqual([`${plain.url} phone`, undefined])
  expect(none.userId).toBe(phone.userId)
})

test('users of different issuers are different, whatever they are called', async () => {
  const subject = randomUUID()
  const one = await ask(plain.token({ sub: subject }))
  const other = await ask(custom.token({ oid: subject, aud: 'api://parley' }))
  expect([one.status, other.status, one.userId === other.userId]).toEqual([200, 200, false])
})

test("a revocation of an external issuer's session shuts out its tokens, and no others", async () => {
  const sub = randomUUID()
  const { userId = '', actor } = await ask(plain.token({ sub, sid: 'stolen' }))
  gateway.auth.revoke({ userId, sessionId: actor?.sessionId ?? '' })
  await expect.poll(() => ask(plain.token({ sub, sid: 'stolen' }))).toMatchObject({ status: 401 })
  expect((await ask(plain.token({ sub, sid: 'other' }))).status).toBe(200)
})

test('claims are read by the names that their issuer gives them', async () => {
  const claims = {
    aud: ['other', 'api://parley'],
    oid: randomUUID(),
    preferred_username: 'bob@login.example',
    photo: 'https://login.example/bob.png',
    session_id: 'tablet',
    name: 'not this',
    sid: 'nor this',
  }
  expect((await ask(custom.token(claims))).actor?.sessionId).toBe(`${custom.url} tablet`)
  expect(bySubject(claims.oid)).toEqual([
    {
      issuer: custom.url,
      subject: claims.oid,
      displayName: 'bob@login.example',
      avatarUrl: 'https://login.example/bob.png',
      session: 'tablet',
    },
  ])
  expect((await ask(custom.token({ ...claims, oid: undefined }))).status).toBe(401)
  expect((await ask(custom.token({ ...claims, aud: 'parley' }))).status).toBe(401)
  expect((await ask(custom.token(claims, { typ: undefined }))).status).toBe(401)
  expect((await ask(custom.token(claims, { typ: 'at+jwt' }))).status).toBe(401)
})

test.each<[string, unknown, string[]]>([
  ['the scope of administrators in a list', ['Chat.User', 'Chat.Admin'], ['admin']],
  ['the scope of administrators among words', 'Chat.User Chat.Admin', ['admin']],
  ['our own word for it', ['admin'], []],
  ['a scope that begins like it', 'Chat.Administrator', []],
  ['it in another case', 'chat.admin', []],
  ['it within a list in a list', [['Chat.Admin']], []],
  ['an object', { 'Chat.Admin': true }, []],
  ['nothing', undefined, []],
])('of an issuer that has administrators, who has %s has the scopes %j', async (_, roles, scopes) => {
  const { actor } = await ask(custom.token({ oid: randomUUID(), aud: 'api://parley', roles, scope: 'admin' }))
  expect(actor?.scopes).toEqual(scopes)
})

test('a token for longer than its issuer may give is refused', async () => {
  const iat = Math.floor(Date.now() / 1_000)
  const claims = { oid: randomUUID(), aud: 'api://parley', iat }
  expect((await ask(custom.token({ ...claims, exp: iat + 3_600 }))).status).toBe(200)
  expect((await ask(custom.token({ ...claims, exp: iat + 3_601 }))).status).toBe(401)
})

test('while auth is away those who are known come in, and those who are not are told to come again', async () => {
  const sub = randomUUID()
  const known = await ask(plain.token({ sub, sid: 'laptop' }))
  gateway.auth.isAway = true
  expect((await ask(plain.token({ sub, sid: 'laptop' }))).userId).toBe(known.userId)
  const stranger = plain.token({ sub: randomUUID() })
  expect(await ask(stranger)).toEqual({ status: 503, code: 'unavailable' })
  expect(await upgradeStatus(gateway.url, `/hubs/chat?access_token=${stranger}`)).toBe(503)
  gateway.auth.isAway = false
  expect((await ask(stranger)).status).toBe(200)
})

test('the age of the keys of each issuer is a metric, and only our own are a matter of health', async () => {
  await plain.stop()
  const text = await (await fetch(`${gateway.url}/metrics`)).text()
  for (const issuer of ['http://parley.test', plain.url, custom.url]) {
    expect(text).toContain(`parley_gateway_key_age_seconds{issuer="${issuer}"`)
  }
  expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200)
  await plain.start()
})
