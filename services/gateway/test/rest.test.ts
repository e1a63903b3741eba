import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { serve } from '@parley/bus'
import { auth, media, messaging, refuse } from '@parley/contracts'
import { operations, type Operation } from '@parley/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestPresence } from './test-presence.ts'

let gateway: TestGateway
const userId = randomUUID()
const conversationId = randomUUID()
const user = { id: userId, displayName: 'Alice', avatarUrl: null, createdAt: '2026-01-01T00:00:00.000Z' }

beforeAll(async () => {
  gateway = await startTestGateway()
  await serve(gateway.bus, auth, {
    getMe: async ({ actor }) => ({ ...user, id: actor.userId }),
    signInForDevelopment: async ({ name }) => ({ accessToken: `token of ${name}`, user }),
  })
  await serve(gateway.bus, messaging, {
    getMessages: async ({ conversationId: asked }) => {
      if (asked !== conversationId) throw refuse.not_a_member()
      return { messages: [] }
    },
    listRelations: async () => ({ relations: [] }),
    sendMessages: async ({ sends }) => ({
      results: sends.map(() => ({
        refusal: refuse.message_id_out_of_range({ serverTime: '2026-01-01T00:00:00.000Z' }).refusal,
      })),
    }),
  })
  await startTestPresence(gateway.bus)
  await serve(gateway.bus, media, {
    downloadMedia: async ({ id }) => ({ url: `https://files.example/${id}`, expiresAt: '2026-01-01T00:00:00.000Z' }),
  })
})
afterAll(() => gateway[Symbol.asyncDispose]())

async function ask(path: string, init: RequestInit & { token?: string | null } = {}) {
  const { token = gateway.issuer.tokenFor(userId), ...rest } = init
  const response = await fetch(`${gateway.url}${path}`, {
    redirect: 'manual',
    ...rest,
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...(rest.headers as object) },
  })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  return { response, status: response.status, type, body: type.includes('json') ? JSON.parse(text) : text }
}

const post = (path: string, body: unknown, type = 'application/json') =>
  ask(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': type },
  })

const messagesPath = `/api/v1/conversations/${conversationId}/messages`

describe('a token', () => {
  test('that is good says who asks', async () => {
    expect((await ask('/api/v1/me')).body).toEqual(user)
  })

  const { privateKey: foreignKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  test.each<[string, () => string | null]>([
    ['is missing', () => null],
    ['is not a token', () => 'x.y.z'],
    ['is expired', () => gateway.issuer.tokenFor(userId, { claims: { exp: Math.floor(Date.now() / 1000) - 60 } })],
    ['is of another issuer', () => gateway.issuer.tokenFor(userId, { claims: { iss: 'http://other.test' } })],
    ['is for another audience', () => gateway.issuer.tokenFor(userId, { claims: { aud: 'other' } })],
    ['is signed by another key', () => gateway.issuer.tokenFor(userId, { key: foreignKey })],
    ['names an unknown key', () => gateway.issuer.tokenFor(userId, { header: { kid: '../../key' } })],
    ['is an id token', () => gateway.issuer.tokenFor(userId, { header: { typ: 'JWT' } })],
    ['has a subject that is no user', () => gateway.issuer.tokenFor('alice')],
    ['never expires', () => gateway.issuer.tokenFor(userId, { claims: { exp: undefined } })],
    ['is unsigned', () => `${btoa('{"alg":"none","typ":"at+jwt","kid":"key-1"}')}.${btoa(`{"sub":"${userId}"}`)}.`],
    ['has a payload that is not JSON', () => `${btoa('{"alg":"RS256","typ":"JWT","kid":"key-1"}')}.${btoa('none')}.x`],
    ['is huge', () => 'a'.repeat(9_000)],
  ])('that %s is refused', async (_, token) => {
    const { status, body, type, response } = await ask('/api/v1/me', { token: token() })
    expect(status).toBe(401)
    expect(type).toContain('application/problem+json')
    expect(body).toMatchObject({ code: 'unauthenticated', status: 401 })
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })
})

describe('bad input', () => {
  test.each<[string, () => ReturnType<typeof ask>, RegExp]>([
    ['JSON that is none', () => post('/api/v1/conversations', '{"kind":'), /could not be read/],
    ['a list for an object', () => post('/api/v1/conversations', []), /JSON object/],
    ['a body of another type', () => post('/api/v1/conversations', '{}', 'text/plain'), /application\/json/],
    ['a missing field', () => post('/api/v1/conversations', { kind: 'group' }), /memberIds/],
    ['a wrong type', () => post(messagesPath, { id: 7, text: 'x' }), /id/],
    ['an unknown field', () => post(messagesPath, { id: randomUUID(), text: 'x', bold: true }), /bold|id/],
    ['an id that is none', () => ask('/api/v1/conversations/none'), /conversationId/],
    ['an empty text', () => post(messagesPath, { id: '01890000-0000-7000-8000-000000000000', text: '' }), /text/],
    ['NUL in a text', () => post(messagesPath, { id: '01890000-0000-7000-8000-000000000000', text: '\u0000' }), /text/],
    ['both before and after', () => ask(`${messagesPath}?before=1&after=2`), /before or after/],
    ['a number that is none', () => ask(`${messagesPath}?limit=many`), /limit/],
    ['a limit that is too high', () => ask(`${messagesPath}?limit=101`), /limit/],
    ['a field twice', () => ask(`${messagesPath}?limit=1&limit=2`), /limit/],
    ['a path that cannot be decoded', () => ask('/api/v1/conversations/%E0%A4%A'), /could not be read/],
    ['too many ids', () => ask(`/api/v1/presence?userIds=${Array(501).fill(userId).join(',')}`), /userIds/],
  ])('%s is refused with a sentence that says what is wrong', async (_, asking, sentence) => {
    const { status, body } = await asking()
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_input' })
    expect(body.detail).toMatch(sentence)
  })

  test('a body above the limit is refused as too large', async () => {
    const { status, body } = await post(messagesPath, { text: 'x'.repeat(200_000) })
    expect({ status, code: body.code }).toEqual({ status: 413, code: 'payload_too_large' })
  })

  test('an unknown path is refused as a problem', async () => {
    expect(await ask('/api/v1/nothing')).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  test('a method that a path does not offer is refused with those it does', async () => {
    const { status, body, response } = await ask('/api/v1/me', { method: 'DELETE' })
    expect({ status, code: body.code }).toEqual({ status: 405, code: 'method_not_allowed' })
    expect(response.headers.get('allow')).toBe('GET, PATCH')
  })
})

describe('an operation', () => {
  test("passes on a service's refusal with its code, status and data", async () => {
    expect(await ask(`/api/v1/conversations/${randomUUID()}/messages`)).toMatchObject({
      status: 404,
      body: { code: 'not_a_member' },
    })
    expect(await post(messagesPath, { id: '01890000-0000-7000-8000-000000000000', text: 'x' })).toMatchObject({
      status: 422,
      body: { code: 'message_id_out_of_range', serverTime: '2026-01-01T00:00:00.000Z' },
    })
  })

  test('whose service is away is unavailable at once, and may be tried again', async () => {
    const { status, body, response } = await ask('/api/v1/conversations')
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'unavailable' })
    expect(response.headers.get('retry-after')).toBe('1')
  })

  test('takes lists from a query, with commas or repeated', async () => {
    const [one, two] = [randomUUID(), randomUUID()]
    for (const query of [`userIds=${one},${two}`, `userIds=${one}&userIds=${two}`]) {
      const { body } = await ask(`/api/v1/presence?${query}`)
      expect(body.states.map((state: { userId: string }) => state.userId)).toEqual([one, two])
    }
  })

  test('takes ids in upper case and lowers them', async () => {
    const { body } = await ask(`/api/v1/presence?userIds=${userId.toUpperCase()}`)
    expect(body.states[0].userId).toBe(userId)
  })

  test('keeps the request id it is given', async () => {
    const { response } = await ask('/api/v1/me', { headers: { 'x-request-id': 'request-0001' } })
    expect(response.headers.get('x-request-id')).toBe('request-0001')
  })
})

test('a download redirects, and answers with the link when JSON is asked for', async () => {
  const id = randomUUID()
  const redirected = await ask(`/api/v1/media/${id}`)
  expect(redirected.status).toBe(302)
  expect(redirected.response.headers.get('location')).toBe(`https://files.example/${id}`)
  const { body } = await ask(`/api/v1/media/${id}`, { headers: { accept: 'application/json' } })
  expect(body.url).toBe(`https://files.example/${id}`)
})

describe('a page of another origin', () => {
  const preflight = (origin: string) =>
    ask('/api/v1/me', {
      method: 'OPTIONS',
      token: null,
      headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
    })

  test('that is allowed may ask with credentials', async () => {
    for (const origin of ['https://chat.example', 'http://localhost:5173']) {
      const { response } = await preflight(origin)
      expect(response.headers.get('access-control-allow-origin')).toBe(origin)
      expect(response.headers.get('access-control-allow-credentials')).toBe('true')
      expect(response.headers.get('access-control-allow-headers')).toContain('x-signalr-user-agent')
    }
  })

  test('that is not allowed is told nothing', async () => {
    for (const origin of ['https://evil.example', 'https://chat.example.evil.example', 'null']) {
      const { response } = await preflight(origin)
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
  })
})

describe('the documents', () => {
  test('list every operation that REST offers', async () => {
    const { body } = await ask('/openapi.json', { token: null })
    const described = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const offered = Object.values<Operation>(operations).flatMap(({ rest }) => rest ?? [])
    expect(described.toSorted()).toEqual(offered.toSorted())
  })

  test('refer to nothing that is not there', async () => {
    const { body } = await ask('/openapi.json', { token: null })
    for (const [, name = ''] of JSON.stringify(body).matchAll(/#\/components\/schemas\/(\w+)/g)) {
      expect(body.components.schemas).toHaveProperty(name)
    }
  })

  test('have a page whose parts all come from here', async () => {
    const page = await ask('/docs', { token: null })
    expect(page.status).toBe(200)
    const parts = [...(page.body as string).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
    expect(parts).toHaveLength(3)
    for (const part of parts) expect((await ask(part, { token: null })).status).toBe(200)
  })
})

test('a development sign-in needs a name and answers with a token', async () => {
  expect(await post('/dev/login', { name: 'alice' })).toMatchObject({
    status: 200,
    body: { accessToken: 'token of alice' },
  })
  for (const bad of [{}, { name: '' }, { name: 7 }, { name: 'a', role: 'x' }]) {
    expect(await post('/dev/login', bad)).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
  }
})
