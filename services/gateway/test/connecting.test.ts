import { randomUUID } from 'node:crypto'
import { connectHub } from '@parley/client'
import { presence } from '@parley/contracts'
import { serve } from '@parley/bus'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging } from './test-messaging.ts'
import { upgradeStatus } from './upgrade-status.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway[Symbol.asyncDispose]())

const negotiate = (init: RequestInit) =>
  fetch(`${gateway.url}/hubs/chat/negotiate?negotiateVersion=1`, { method: 'POST', ...init })

const upgrade = (path: string, headers?: Record<string, string>) => upgradeStatus(gateway.url, path, headers)

describe('the door of the hub', () => {
  test('is shut without a good token, at negotiate and at the upgrade', async () => {
    expect((await negotiate({})).status).toBe(401)
    expect((await negotiate({ headers: { authorization: 'Bearer x.y.z' } })).status).toBe(401)
    expect(await upgrade('/hubs/chat')).toBe(401)
    expect(await upgrade('/hubs/chat?access_token=x.y.z')).toBe(401)
  })

  test('opens for a token in the query, where browsers must put it', async () => {
    expect(await upgrade(`/hubs/chat?access_token=${gateway.issuer.tokenFor(randomUUID())}`)).toBe(101)
  })

  test('is shut for pages of other origins', async () => {
    const authorization = `Bearer ${gateway.issuer.tokenFor(randomUUID())}`
    const evil = { authorization, origin: 'https://evil.example' }
    expect((await negotiate({ headers: evil })).status).toBe(403)
    expect(await upgrade('/hubs/chat', evil)).toBe(403)
    expect(await upgrade('/hubs/chat', { authorization, origin: 'https://chat.example' })).toBe(101)
  })

  test('is nowhere else', async () => {
    expect(await upgrade('/hubs/other')).toBe(404)
  })
})

test('a client that connects while messaging is away is welcomed when it is back', async () => {
  const connecting = connectHub({ url: gateway.url, accessToken: gateway.issuer.tokenFor(randomUUID()) })
  await expect.poll(async () => (await fetch(`${gateway.url}/health/live`)).status).toBe(200)
  await using _messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
  await using hub = await connecting
  expect(hub.connection.state).toBe('Connected')
})

test('a refusal reaches the hub client as a code and a sentence, and what is wrong inside does not', async () => {
  await using _messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
  await using _presence = await serve(gateway.bus, presence, {})
  await using hub = await connectHub({ url: gateway.url, accessToken: gateway.issuer.tokenFor(randomUUID()) })
  await expect(hub.invoke('GetConversation', { conversationId: 'none' })).rejects.toMatchObject({
    code: 'invalid_input',
  })
  await expect(hub.connection.invoke('SendMessage')).rejects.toThrow(/^invalid_input: /)
  await expect(hub.connection.invoke('SendMessage', {}, {})).rejects.toThrow(/^invalid_input: /)
  await expect(hub.invoke('GetMe', {})).rejects.toMatchObject({ code: 'unavailable' })
})
