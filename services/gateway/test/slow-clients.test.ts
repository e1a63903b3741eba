import { randomUUID } from 'node:crypto'
import { conversationTopic } from '@parley/contracts'
import type { HubEvent } from '@parley/protocol'
import { expect, test, vi } from 'vitest'
import { connectRaw, type RawClient } from './raw-client.ts'
import { connectClient } from './test-client.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging } from './test-messaging.ts'

const LOSSY_ABOVE_BYTES = 256 * 1024
const LONG = 'x'.repeat(32 * 1024)
const MOST_MARKS = 100
const TIMES_TYPED = 20

/** What waits for all clients of a gateway. */
async function bufferedBytes({ url }: TestGateway): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^parley_gateway_buffered_bytes\{.*\} (\d+)$/m.exec(text)?.[1])
}

const argumentsOf = <Name extends 'MessageCreated' | 'Typing' | 'ReceiptsUpdated'>(
  { messages }: RawClient,
  name: Name,
): HubEvent<Name>[] =>
  messages.filter(({ target }) => target === name).map(({ arguments: args }) => (args as [HubEvent<Name>])[0])

/** A message is numbered by what its text begins with. */
const numbersOf = (client: RawClient): number[] =>
  argumentsOf(client, 'MessageCreated').map(({ text }) => Number.parseInt(text, 10))

const readByOf = (client: RawClient, reader: string): number[] =>
  argumentsOf(client, 'ReceiptsUpdated').flatMap(({ receipts }) =>
    receipts.filter(({ userId }) => userId === reader).map(({ readSequence }) => readSequence),
  )

test('a slow client gets all messages in order, the newest receipts, and nobody who types; the others get everything', async () => {
  await using gateway = await startTestGateway()
  await using messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
  const conversationId = randomUUID()
  const topic = conversationTopic(conversationId)
  const [typist, reader, slowUser, quickUser] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  for (const userId of [typist, slowUser, quickUser]) messaging.add(userId, conversationId)
  await using phone = await connectClient(gateway, typist)
  using slow = await connectRaw(gateway, slowUser)
  using quick = await connectRaw(gateway, quickUser)

  let last = 0
  const say = (text = '') =>
    messaging.change(topic, { event: 'MessageCreated', argument: { text: `${++last} ${text}` } })
  const areAll = (numbers: number[]) =>
    numbers.length === last && numbers.every((number, index) => number === index + 1)
  const read = (readSequence: number) => {
    const receipts = [{ userId: reader, deliveredSequence: readSequence, readSequence }]
    messaging.tellReceipts({ topic, conversationId, gatherMs: 0, receipts })
  }

  slow.socket.pause()
  // A message at a time, so that it is slow and not yet closed. What waits then does not go by itself.
  await vi.waitUntil(
    async () => {
      say(LONG)
      await vi.waitUntil(() => areAll(numbersOf(quick)), { interval: 5 })
      return (await bufferedBytes(gateway)) > LOSSY_ABOVE_BYTES
    },
    { timeout: 20_000, interval: 1 },
  )
  for (let times = 0; times < TIMES_TYPED; times++) {
    await phone.hub.invoke('StartTyping', { conversationId })
    await phone.hub.invoke('StopTyping', { conversationId })
  }
  for (let sequence = 1; sequence <= MOST_MARKS; sequence++) {
    read(sequence)
    if (sequence % 10 === 0) say()
  }
  await expect.poll(() => readByOf(quick, reader).at(-1)).toBe(MOST_MARKS)
  await expect.poll(() => areAll(numbersOf(quick))).toBe(true)
  await expect.poll(() => argumentsOf(quick, 'Typing').length).toBeGreaterThan(1)

  slow.socket.resume()
  await expect.poll(() => numbersOf(slow).at(-1)).toBe(last)
  expect(areAll(numbersOf(slow))).toBe(true)
  expect(argumentsOf(slow, 'Typing')).toEqual([])
  expect(readByOf(slow, reader)).toEqual([MOST_MARKS])
  // It has caught up, and misses nothing any more.
  await expect.poll(() => bufferedBytes(gateway)).toBe(0)
  const typing = async () => {
    await phone.hub.invoke('StartTyping', { conversationId })
    return argumentsOf(slow, 'Typing').length
  }
  await expect.poll(typing).toBeGreaterThan(0)
  expect([slow.closedAtMs, quick.closedAtMs]).toEqual([undefined, undefined])
})
