import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectClient } from './test-client.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging, type TestMessaging } from './test-messaging.ts'
import { startTestPresence, type TestPresence } from './test-presence.ts'

let gateway: TestGateway
let messaging: TestMessaging
let presence: TestPresence
beforeAll(async () => {
  gateway = await startTestGateway()
  messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
  presence = await startTestPresence(gateway.bus)
})
afterAll(() => gateway[Symbol.asyncDispose]())

const scrape = async (): Promise<string> => (await fetch(`${gateway.url}/metrics`)).text()

/** The figure of a metric, by its labels besides the service: `connections{transport="WebSockets"}`. */
async function figureOf(wanted: string): Promise<number | undefined> {
  const [name = '', labels = ''] = wanted.replace('}', '').split('{')
  const lines = (await scrape()).split('\n').filter((line) => line.startsWith(`parley_gateway_${name}{`))
  const line = lines.find((one) => one.includes(labels))
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}

test('what is listed in the README is what there is', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const listed = [...readme.matchAll(/^\| `(parley_gateway_\w+)`/gm)].map(([, name]) => name)
  const there = [...(await scrape()).matchAll(/^# TYPE (parley_gateway_\w+) /gm)].map(([, name]) => name)
  expect(new Set(there)).toEqual(new Set(listed))
})

test('they follow what clients do, and name nobody', async () => {
  const [alice, bob, conversationId] = [randomUUID(), randomUUID(), randomUUID()]
  for (const userId of [alice, bob]) messaging.add(userId, conversationId)
  const opened = (await figureOf('connections_opened_total')) ?? 0
  const closed = (await figureOf('closes_total{reason="client closed"}')) ?? 0
  {
    await using phone = await connectClient(gateway, alice)
    await using laptop = await connectClient(gateway, bob)
    await expect.poll(() => figureOf('connections{transport="WebSockets"}')).toBe(2)
    expect(await figureOf('connections_opened_total')).toBe(opened + 2)
    expect(await figureOf('topics')).toBe(3)
    expect(await figureOf('subscriptions')).toBe(4)
    expect(await figureOf('registered')).toBe(1)
    await expect.poll(() => figureOf('interest_topics')).toBe(3)

    await phone.hub.invoke('WatchPresence', { userIds: [bob] })
    expect(await figureOf('watches')).toBe(2)
    await presence.change(bob, { status: 'online' })
    await expect.poll(() => figureOf('presence_told_total')).toBe(1)
    await phone.hub.invoke('StartTyping', { conversationId })
    await phone.hub.invoke('StartTyping', { conversationId })
    expect(await figureOf('typing_total{outcome="accepted"}')).toBe(1)
    expect(await figureOf('typing_total{outcome="throttled"}')).toBe(1)
    await expect.poll(() => figureOf('typing_told_total')).toBe(1)
    const heard = (await figureOf('notices_total')) ?? 0
    messaging.change(`c:${conversationId}`, { event: 'MessageCreated', argument: { text: 'hello' } })
    await expect.poll(() => laptop.texts()).toEqual(['hello'])
    expect(await figureOf('notices_total')).toBe(heard + 1)
    await expect(phone.hub.invoke('StartTyping', { conversationId: randomUUID() })).rejects.toThrow()
    expect(await figureOf('operations_total{operation="StartTyping",code="not_a_member"}')).toBe(1)
    expect(await figureOf('operation_seconds_count{operation="StartTyping"}')).toBe(3)
    const text = await scrape()
    for (const id of [alice, bob, conversationId]) expect(text).not.toContain(id)
  }
  await expect.poll(() => figureOf('closes_total{reason="client closed"}')).toBe(closed + 2)
  await expect.poll(() => figureOf('connections{transport="WebSockets"}')).toBe(0)
  expect(await figureOf('topics')).toBe(0)
  expect(await figureOf('watches')).toBe(0)
  expect(await figureOf('draining')).toBe(0)
})
