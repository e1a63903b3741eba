import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signedTokens } from '../src/hub/connection-tokens.ts'
import { SECRET, startTestGateway, type TestGateway } from './test-gateway.ts'
import { upgradeStatus } from './upgrade-status.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway[Symbol.asyncDispose]())

/** A token of a gateway that nobody knows. */
const strangeToken = (options: { isStateful: boolean; ageMs?: number }) =>
  signedTokens({
    secret: SECRET,
    routing: { gatewayId: 7, isSelf: () => false },
    now: () => Date.now() - (options.ageMs ?? 0),
  }).mint(options).connectionToken

const queryWith = (token: string) => `id=${token}&access_token=${gateway.issuer.tokenFor(randomUUID())}`

const upgrade = (token: string, name = 'id') =>
  upgradeStatus(gateway.url, `/hubs/chat?${queryWith(token).replace('id=', `${name}=`)}`)

async function ask(method: string, token: string) {
  const response = await fetch(`${gateway.url}/hubs/chat?${queryWith(token)}`, { method })
  return { status: response.status, body: await response.text() }
}

describe('a token of a gateway that cannot be found', () => {
  test('opens a WebSocket here, unless it is old', async () => {
    expect(await upgrade(strangeToken({ isStateful: false }))).toBe(101)
    const old = strangeToken({ isStateful: false, ageMs: 16_000 })
    expect([await upgrade(old), await upgrade(old, 'ID')]).toEqual([404, 404])
  })

  test('attaches to nothing', async () => {
    expect(await upgrade(strangeToken({ isStateful: true }))).toBe(404)
  })

  test.each(['GET', 'POST', 'DELETE'])('is answered with 404 to a %s', async (method) => {
    const unknown = { status: 404, body: 'No Connection with that ID' }
    expect(await ask(method, strangeToken({ isStateful: false }))).toEqual(unknown)
    expect(await ask(method, strangeToken({ isStateful: true }))).toEqual(unknown)
  })
})

describe('a connection that was negotiated on another gateway', () => {
  const bearer = (userId: string, sid = 'a sign-in') => ({
    authorization: `Bearer ${gateway.issuer.tokenFor(userId, { claims: { sid } })}`,
  })

  async function negotiated(url: string, headers: Record<string, string>): Promise<string> {
    const response = await fetch(`${url}/hubs/chat/negotiate?negotiateVersion=1`, { method: 'POST', headers })
    const { connectionToken } = (await response.json()) as { connectionToken: string }
    return `/hubs/chat?id=${connectionToken}`
  }

  const statusOf = async (url: string, init: RequestInit) => (await fetch(url, init)).status

  test('is for the user and the sign-in that opened it, wherever a request arrives', async () => {
    await using other = await gateway.another()
    const userId = randomUUID()
    const path = await negotiated(other.url, bearer(userId))
    expect(await statusOf(gateway.url + path, { headers: bearer(userId) })).toBe(200)
    const post = (headers: Record<string, string>) =>
      statusOf(gateway.url + path, { method: 'POST', headers, body: '' })
    expect(await post(bearer(userId))).toBe(200)
    expect(await post(bearer(randomUUID()))).toBe(403)
    expect(await post(bearer(userId, 'another sign-in'))).toBe(403)
    expect(await post({})).toBe(401)
    expect(await statusOf(gateway.url + path, { method: 'DELETE', headers: bearer(userId) })).toBe(202)
  })

  test('is unknown when that gateway is gone', async () => {
    const headers = bearer(randomUUID())
    const other = await gateway.another()
    const path = await negotiated(other.url, headers)
    expect(await statusOf(gateway.url + path, {})).toBe(401)
    await other[Symbol.asyncDispose]()
    expect(await statusOf(gateway.url + path, { headers })).toBe(404)
  })
})
