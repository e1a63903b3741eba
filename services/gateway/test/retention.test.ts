import { randomUUID } from 'node:crypto'
import { serve } from '@parley/bus'
import { refuse, retention } from '@parley/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from './test-gateway.ts'

let gateway: TestGateway
const adminId = randomUUID()
const hold = {
  id: randomUUID(),
  userId: randomUUID(),
  conversationId: null,
  reason: 'a lawsuit',
  placedBy: adminId,
  placedAt: '2026-01-01T00:00:00.000Z',
  releasedBy: null,
  releasedAt: null,
}
const effect = { conversations: 1, messages: 5, files: 0, fileBytes: 0, heldMessages: 0, isComplete: true }
/** What `retention` was asked, and how long it had. */
const asked: [string, Record<string, unknown>][] = []
let hadMs = 0

function withoutActor(request: { readonly actor: unknown }): Record<string, unknown> {
  const { actor: _, ...input } = request
  return input
}

beforeAll(async () => {
  gateway = await startTestGateway()
  await serve(gateway.bus, retention, {
    listHolds: async (request) => {
      asked.push(['listHolds', withoutActor(request)])
      return { holds: [hold], nextCursor: null }
    },
    releaseHold: async (request) => {
      asked.push(['releaseHold', withoutActor(request)])
      return { ...hold, releasedBy: adminId, releasedAt: '2026-01-02T00:00:00.000Z' }
    },
    setRetentionPolicy: async (request, context) => {
      asked.push(['setRetentionPolicy', withoutActor(request)])
      hadMs = context.remainingMs()
      if (request.confirmed === undefined) throw refuse.confirmation_needed({ messages: 5, files: 0 })
      const { messageDays, fileDays } = request
      const policy = { conversationId: null, kind: null, messageDays, fileDays, changedBy: adminId, changedAt: null }
      return { policy, effect }
    },
    eraseUser: async ({ userId }) => {
      throw userId === adminId ? refuse.unavailable() : refuse.user_not_found()
    },
  })
})
afterAll(() => gateway[Symbol.asyncDispose]())
beforeEach(() => {
  asked.length = 0
})

async function ask(method: string, path: string, { body, scope = 'admin' }: { body?: object; scope?: string } = {}) {
  const token = gateway.issuer.tokenFor(adminId, { claims: { scope } })
  const response = await fetch(`${gateway.url}/api/v1/admin${path}`, {
    method,
    redirect: 'manual',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('a query', () => {
  test('has numbers and truth values as such', async () => {
    const { status, body } = await ask('GET', `/retention/holds?released=true&limit=5&userId=${hold.userId}`)
    expect({ status, body }).toEqual({ status: 200, body: { holds: [hold], nextCursor: null } })
    await ask('GET', '/retention/holds?released=false')
    expect(asked).toEqual([
      ['listHolds', { released: true, limit: 5, userId: hold.userId }],
      ['listHolds', { released: false }],
    ])
  })

  test.each([
    'released=yes',
    'released=1',
    'released=',
    'released=true&released=true',
    'limit=0',
    'limit=true',
    'who=x',
  ])('with %s is refused before anybody is asked', async (query) => {
    const { status, body } = await ask('GET', `/retention/holds?${query}`)
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'invalid_input' })
    expect(asked).toEqual([])
  })
})

test('a hold is released by its address', async () => {
  expect(await ask('DELETE', `/retention/holds/${hold.id}`)).toMatchObject({
    status: 200,
    body: { releasedBy: adminId },
  })
  expect(asked).toEqual([['releaseHold', { holdId: hold.id }]])
})

describe('a policy', () => {
  test('may have nulls, is refused with the numbers that are to be confirmed, and is set with them', async () => {
    const policy = { kind: null, messageDays: 30, fileDays: null }
    expect(await ask('PUT', '/retention/policies', { body: policy })).toMatchObject({
      status: 409,
      body: { code: 'confirmation_needed', messages: 5, files: 0 },
    })
    const confirmed = { messages: 5, files: 0 }
    expect(await ask('PUT', '/retention/policies', { body: { ...policy, confirmed } })).toMatchObject({
      status: 200,
      body: { effect, policy: { messageDays: 30 } },
    })
    expect(asked.map(([, request]) => request)).toEqual([policy, { ...policy, confirmed }])
  })

  test('has all the time that its call declares', async () => {
    await ask('PUT', '/retention/policies', { body: { messageDays: 30, fileDays: null } })
    expect(hadMs).toBeGreaterThan(retention.calls.setRetentionPolicy.timeoutMs - 2_000)
  })

  test('without its periods, or with wrong ones, is refused', async () => {
    for (const body of [
      {},
      { messageDays: 30 },
      { messageDays: 1, fileDays: null },
      { messageDays: '30', fileDays: null },
    ]) {
      expect(await ask('PUT', '/retention/policies', { body })).toMatchObject({ body: { code: 'invalid_input' } })
    }
    expect(asked).toEqual([])
  })
})

test('is for administrators alone', async () => {
  for (const scope of ['openid', 'chat:read chat:write', 'Admin', 'admin:read']) {
    expect(await ask('GET', '/retention/holds', { scope })).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  }
  expect(asked).toEqual([])
})

test('refusals come with their status', async () => {
  const body = { reason: 'asked for it' }
  expect(await ask('POST', `/users/${randomUUID()}/erasure`, { body })).toMatchObject({
    status: 404,
    body: { code: 'user_not_found' },
  })
  expect(await ask('POST', `/users/${adminId}/erasure`, { body })).toMatchObject({ status: 503 })
  expect(await ask('GET', '/retention/runs')).toMatchObject({ status: 503, body: { code: 'unavailable' } })
})
