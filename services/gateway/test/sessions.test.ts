import { randomUUID } from 'node:crypto'
import { HttpTransportType, type HubConnection } from '@microsoft/signalr'
import { connectHub, type Hub } from '@parley/client'
import type { HubEvent } from '@parley/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging, type TestMessaging } from './test-messaging.ts'

let gateway: TestGateway
let other: { readonly url: string } & AsyncDisposable
let messaging: TestMessaging
beforeAll(async () => {
  gateway = await startTestGateway()
  other = await gateway.another()
  messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
}, 60_000)
afterAll(async () => {
  await messaging?.[Symbol.asyncDispose]()
  await other?.[Symbol.asyncDispose]()
  await gateway?.[Symbol.asyncDispose]()
})

/** A client, what it was told of its session's end, and whether it was closed for good. */
interface Device extends AsyncDisposable {
  readonly hub: Hub
  readonly endings: readonly HubEvent<'SessionEnding'>[]
  readonly closed: () => boolean
}

type Claims = { readonly sid?: string; readonly jti?: string; readonly iat?: number; readonly exp?: number }

const seconds = (): number => Math.floor(Date.now() / 1_000)
const tokenOf = (userId: string, claims: Claims = {}): string =>
  gateway.issuer.tokenFor(userId, { claims: { jti: randomUUID(), ...claims } })

async function connectDevice(
  url: string,
  accessToken: string | (() => string),
  transport = HttpTransportType.WebSockets,
): Promise<Device> {
  const endings: HubEvent<'SessionEnding'>[] = []
  let isClosed = false
  const hub = await connectHub({
    url,
    accessToken,
    transport,
    listen(starting) {
      starting.on('SessionEnding', (ending) => void endings.push(ending))
    },
  })
  hub.connection.onclose(() => (isClosed = true))
  return { hub, endings, closed: () => isClosed, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() }
}

const reconnections = (connection: HubConnection): (() => number) => {
  let count = 0
  connection.onreconnected(() => void (count += 1))
  return () => count
}

async function statusOf(url: string, token: string): Promise<number> {
  const answer = await fetch(`${url}/api/v1/connection-tickets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  return answer.status
}

/** Long enough for whatever a revocation could close wrongly to have been closed. */
async function untilHeard(revoked: Device): Promise<void> {
  await expect.poll(revoked.closed, { timeout: 5_000 }).toBe(true)
}

describe('a revoked session', () => {
  test.for([
    ['a WebSocket', HttpTransportType.WebSockets],
    ['long polling', HttpTransportType.LongPolling],
    ['Server-Sent Events', HttpTransportType.ServerSentEvents],
  ] as const)('closes its connections over %s for good, and those of other sessions stay', async ([, transport]) => {
    const userId = randomUUID()
    const [phone, laptop] = [tokenOf(userId, { sid: randomUUID() }), tokenOf(userId, { sid: randomUUID() })]
    const sid = randomUUID()
    const token = tokenOf(userId, { sid })
    await using here = await connectDevice(gateway.url, token, transport)
    await using there = await connectDevice(other.url, token, transport)
    await using spared = await connectDevice(gateway.url, phone, transport)
    await using alsoSpared = await connectDevice(other.url, laptop)
    gateway.auth.revoke({ userId, sessionId: sid })
    await Promise.all([untilHeard(here), untilHeard(there)])
    for (const { endings } of [here, there]) expect(endings).toMatchObject([{ reason: 'revoked' }])
    expect([spared.closed(), alsoSpared.closed()]).toEqual([false, false])
    for (const url of [gateway.url, other.url]) {
      expect([await statusOf(url, token), await statusOf(url, phone)]).toEqual([401, 200])
      await expect(connectDevice(url, token)).rejects.toThrow('401')
    }
  })

  test('is refused by a gateway that starts later', async () => {
    const [userId, sid] = [randomUUID(), randomUUID()]
    gateway.auth.revoke({ userId, sessionId: sid })
    await using late = await gateway.another()
    expect(await statusOf(late.url, tokenOf(userId, { sid }))).toBe(401)
    expect(await statusOf(late.url, tokenOf(userId, { sid: randomUUID() }))).toBe(200)
  })

  test('is closed also when the notice of it was lost: by the next one, or by the position that is said every second', async () => {
    const userId = randomUUID()
    const [first, second] = [randomUUID(), randomUUID()]
    await using one = await connectDevice(gateway.url, tokenOf(userId, { sid: first }))
    await using two = await connectDevice(other.url, tokenOf(userId, { sid: second }))
    gateway.auth.revoke({ userId, sessionId: first }, { tell: false })
    gateway.auth.revoke({ userId, sessionId: randomUUID() })
    await untilHeard(one)
    gateway.auth.revoke({ userId, sessionId: second }, { tell: false })
    gateway.auth.repeatPosition()
    await untilHeard(two)
  })

  test('closes hundreds of connections within two seconds', async () => {
    const devices: { sid: string; userId: string; device: Device }[] = []
    for (let index = 0; index < 200; index += 1) {
      const [userId, sid] = [randomUUID(), randomUUID()]
      const device = await connectDevice(index % 2 === 0 ? gateway.url : other.url, tokenOf(userId, { sid }))
      devices.push({ sid, userId, device })
    }
    const closedAfterMs = devices.map(({ device }) => {
      const startedAt = performance.now()
      return new Promise<number>((resolve) =>
        device.hub.connection.onclose(() => resolve(performance.now() - startedAt)),
      )
    })
    for (const { sid, userId } of devices) gateway.auth.revoke({ userId, sessionId: sid })
    expect(Math.max(...(await Promise.all(closedAfterMs)))).toBeLessThan(2_000)
  }, 60_000)
})

describe('a revoked token', () => {
  test('closes the connection that it opened, and another of the same session stays', async () => {
    const [userId, sid, jti] = [randomUUID(), randomUUID(), randomUUID()]
    await using one = await connectDevice(gateway.url, tokenOf(userId, { sid, jti }))
    await using spared = await connectDevice(gateway.url, tokenOf(userId, { sid }))
    gateway.auth.revoke({ userId, tokenId: jti })
    await untilHeard(one)
    expect(spared.closed()).toBe(false)
  })

  test('is not minded once its connection was renewed with another', async () => {
    const [userId, sid, jti] = [randomUUID(), randomUUID(), randomUUID()]
    await using renewed = await connectDevice(gateway.url, tokenOf(userId, { sid, jti, exp: seconds() + 60 }))
    await using witness = await connectDevice(gateway.url, tokenOf(userId, { sid, jti }))
    await renewed.hub.invoke('RenewToken', { accessToken: tokenOf(userId, { sid }) })
    gateway.auth.revoke({ userId, tokenId: jti })
    await untilHeard(witness)
    expect(renewed.closed()).toBe(false)
  })
})

test('a revoked user loses the connections whose tokens name no session', async () => {
  const userId = randomUUID()
  await using one = await connectDevice(gateway.url, tokenOf(userId))
  await using spared = await connectDevice(gateway.url, tokenOf(randomUUID()))
  gateway.auth.revoke({ userId })
  await untilHeard(one)
  expect(spared.closed()).toBe(false)
  expect(await statusOf(other.url, tokenOf(userId, { iat: seconds() + 2 }))).toBe(200)
})

describe('a connection', () => {
  test('is warned and then ends with its token, and may come back at once with another', async () => {
    const userId = randomUUID()
    const exp = seconds() - 27
    const tokens = [tokenOf(userId, { exp })]
    await using device = await connectDevice(gateway.url, () => tokens.at(-1)!)
    const reconnected = reconnections(device.hub.connection)
    await expect.poll(() => device.endings.length).toBe(1)
    const at = new Date((exp + 30) * 1_000).toISOString()
    expect(device.endings).toEqual([{ reason: 'token_expiring', at }])
    tokens.push(tokenOf(userId))
    await expect.poll(reconnected, { timeout: 10_000 }).toBe(1)
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(at))
    expect(device.endings).toHaveLength(1)
  })

  test('goes on when its token is renewed, over whatever it goes', async () => {
    for (const transport of [HttpTransportType.WebSockets, HttpTransportType.LongPolling]) {
      const [userId, sid] = [randomUUID(), randomUUID()]
      const tokens = [tokenOf(userId, { sid, exp: seconds() - 27 })]
      await using device = await connectDevice(gateway.url, () => tokens.at(-1)!, transport)
      await expect.poll(() => device.endings.length).toBe(1)
      const exp = seconds() + 600
      tokens.push(tokenOf(userId, { sid, exp }))
      const { expiresAt } = await device.hub.invoke('RenewToken', { accessToken: tokens.at(-1)! })
      expect(expiresAt).toBe(new Date((exp + 30) * 1_000).toISOString())
      await expect
        .poll(() => Date.now(), { timeout: 10_000 })
        .toBeGreaterThan(Date.parse(device.endings[0]!.at) + 2_000)
      expect(device.closed()).toBe(false)
      await expect(device.hub.invoke('ListConversations', {})).rejects.toMatchObject({ code: 'unavailable' })
    }
  }, 30_000)

  test('of our own client renews its token by itself as soon as there is a newer one', async () => {
    const [userId, sid] = [randomUUID(), randomUUID()]
    const exp = seconds() - 24
    let asked = 0
    await using device = await connectDevice(gateway.url, () => {
      asked += 1
      return tokenOf(userId, { sid, exp: asked < 3 ? exp : seconds() + 600 })
    })
    const reconnected = reconnections(device.hub.connection)
    await expect.poll(() => Date.now(), { timeout: 15_000 }).toBeGreaterThan((exp + 30) * 1_000 + 2_000)
    expect({ asked, reconnected: reconnected(), closed: device.closed() }).toEqual({
      asked: 3,
      reconnected: 0,
      closed: false,
    })
  }, 30_000)

  test('takes no token of another user or session, nor one that is not good', async () => {
    const [userId, sid] = [randomUUID(), randomUUID()]
    const good = { sid }
    await using device = await connectDevice(gateway.url, tokenOf(userId, good))
    const renew = (accessToken: string) => device.hub.invoke('RenewToken', { accessToken })
    await expect(renew(tokenOf(randomUUID(), good))).rejects.toMatchObject({ code: 'session_mismatch' })
    await expect(renew(tokenOf(userId, { sid: randomUUID() }))).rejects.toMatchObject({ code: 'session_mismatch' })
    await expect(renew(tokenOf(userId))).rejects.toMatchObject({ code: 'session_mismatch' })
    await expect(renew(tokenOf(userId, { ...good, exp: seconds() - 31 }))).rejects.toMatchObject({
      code: 'unauthenticated',
    })
    await expect(renew('ticket.abc')).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(device.closed()).toBe(false)
  })

  test('keeps the latest end, whichever renewal comes last', async () => {
    const [userId, sid] = [randomUUID(), randomUUID()]
    const exps = [300, 900, 600].map((ahead) => seconds() + ahead)
    await using device = await connectDevice(gateway.url, tokenOf(userId, { sid }))
    const ends = await Promise.all(
      exps.map((exp) => device.hub.invoke('RenewToken', { accessToken: tokenOf(userId, { sid, exp }) })),
    )
    expect(ends.at(-1)).toEqual({ expiresAt: new Date((exps[1]! + 30) * 1_000).toISOString() })
  })
})

describe('a gateway that does not know what was revoked', () => {
  test('lets nobody in, and is not ready, until auth has told it', async () => {
    await using own = await startTestGateway({ authIsAway: true })
    const ready = async () => (await fetch(`${own.url}/health/ready`)).status
    const token = own.issuer.tokenFor(randomUUID(), { claims: { jti: randomUUID() } })
    expect([await ready(), await statusOf(own.url, token)]).toEqual([503, 503])
    own.auth.isAway = false
    await expect.poll(ready, { timeout: 10_000 }).toBe(200)
    expect(await statusOf(own.url, token)).toBe(200)
  }, 30_000)

  test('since NATS was away, asks as soon as it is back', async () => {
    await using own = await startTestGateway()
    await using _messaging = await startTestMessaging(own.bus, own.gatewayIds)
    const [userId, sid] = [randomUUID(), randomUUID()]
    const token = own.issuer.tokenFor(userId, { claims: { jti: randomUUID(), sid } })
    await using device = await connectDevice(own.url, token)
    await own.nats.kill()
    own.auth.revoke({ userId, sessionId: sid }, { tell: false })
    await own.nats.restart()
    await expect.poll(device.closed, { timeout: 15_000 }).toBe(true)
    expect(device.endings).toMatchObject([{ reason: 'revoked' }])
  }, 60_000)
})
