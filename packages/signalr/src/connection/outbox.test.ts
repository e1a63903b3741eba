import { expect, test } from 'vitest'
import { encodeTextRecord, type EncodedMessage } from '../protocol/encoded-message.ts'
import type { Transport } from '../transport/transport.ts'
import { FlushQueue } from './flush-queue.ts'
import { Outbox } from './outbox.ts'

/** Takes everything, or nothing, as it is told. */
function scriptedTransport() {
  const writes: string[][] = []
  const transport: Transport & { isSlow: boolean; bufferedBytes: number } = {
    isSlow: false,
    name: 'WebSockets',
    bufferedBytes: 0,
    write(messages: readonly EncodedMessage[]) {
      writes.push(messages.map(({ payload }) => payload.toString().slice(0, -1)))
      if (transport.isSlow) for (const message of messages) transport.bufferedBytes += message.webSocketFrame.length
      return !transport.isSlow
    },
    pause() {},
    resume() {},
    close() {},
  }
  return { transport, writes }
}

function outboxOn(transport: Transport, limits = { lossyAboveBytes: 100, bufferedBytes: 1_000 }) {
  let waited = 0
  const counts = { dropped: 0, replaced: 0 }
  const outbox = new Outbox({ outboxWaits: () => waited++ }, transport, { flushes: new FlushQueue(), limits, counts })
  return { outbox, counts, waited: () => waited }
}

const message = (text: string) => encodeTextRecord(text, true)

test('what comes in one turn leaves in one write', async () => {
  const { transport, writes } = scriptedTransport()
  const { outbox } = outboxOn(transport)
  for (const text of ['a', 'b', 'c']) outbox.add(message(text), 'durable', 0)
  expect(writes).toEqual([])
  await expect.poll(() => writes).toEqual([['a', 'b', 'c']])
  expect([outbox.bufferedBytes, outbox.waitingSinceTick]).toEqual([0, undefined])
})

test('while a write is not taken no other is made, and the oldest byte is known', () => {
  const { transport, writes } = scriptedTransport()
  const { outbox, waited } = outboxOn(transport)
  transport.isSlow = true
  outbox.add(message('a'), 'durable', 3)
  outbox.flush()
  outbox.add(message('b'), 'durable', 5)
  outbox.add(message('c'), 'durable', 6)
  outbox.flush()
  expect(writes).toEqual([['a']])
  expect([outbox.waitingSinceTick, waited()]).toEqual([3, 1])
  transport.bufferedBytes = 0
  outbox.drained()
  expect(writes).toEqual([['a'], ['b', 'c']])
  expect(outbox.waitingSinceTick).toBe(5)
  transport.bufferedBytes = 0
  transport.isSlow = false
  outbox.drained()
  expect([outbox.waitingSinceTick, outbox.bufferedBytes]).toEqual([undefined, 0])
})

test('writes are small enough to leave what waits replaceable', () => {
  const { transport, writes } = scriptedTransport()
  const { outbox } = outboxOn(transport, { lossyAboveBytes: 1e9, bufferedBytes: 1e9 })
  const text = 'x'.repeat(40_000)
  for (let count = 0; count < 4; count++) outbox.add(message(text), 'durable', 0)
  outbox.add(message('y'.repeat(200_000)), 'durable', 0)
  outbox.flush()
  expect(writes.map((write) => write.length)).toEqual([1, 1, 1, 1, 1])
})

test('below the mark nothing is dropped, above it only the newest state of a key is kept, in its own place', () => {
  const { transport, writes } = scriptedTransport()
  const { outbox } = outboxOn(transport)
  transport.isSlow = true
  outbox.add(message('stuck'), 'durable', 0)
  outbox.flush()
  outbox.add(message('typing 1'), 'ephemeral', 0)
  outbox.add(message('read 1'), { stateKey: 'read' }, 0)
  outbox.add(message('x'.repeat(100)), 'durable', 0)
  outbox.add(message('typing 2'), 'ephemeral', 0)
  for (let count = 2; count < 1_000; count++) outbox.add(message(`read ${count}`), { stateKey: 'read' }, 0)
  outbox.add(message('last'), 'durable', 0)
  transport.isSlow = false
  transport.bufferedBytes = 0
  outbox.drained()
  expect(writes.flat()).toEqual(['stuck', 'typing 1', 'x'.repeat(100), 'read 999', 'last'])
  expect(outbox.bufferedBytes).toBe(0)
})

test('a state that has left is not replaced', () => {
  const { transport, writes } = scriptedTransport()
  const { outbox } = outboxOn(transport, { lossyAboveBytes: 0, bufferedBytes: 1_000 })
  outbox.add(message('read 1'), { stateKey: 'read' }, 0)
  outbox.flush()
  outbox.add(message('read 2'), { stateKey: 'read' }, 0)
  outbox.flush()
  expect(writes).toEqual([['read 1'], ['read 2']])
})

test('more than the limit does not fit, unless nothing else waits', () => {
  const { transport } = scriptedTransport()
  const { outbox } = outboxOn(transport)
  expect(outbox.add(message('x'.repeat(5_000)), 'durable', 0)).toBe(true)
  expect(outbox.add(message('x'.repeat(5_000)), 'durable', 0)).toBe(true)
  transport.isSlow = true
  outbox.flush()
  expect(outbox.add(message('x'), 'durable', 0)).toBe(false)
})

test('finish hands over everything, the last message last', () => {
  const { transport, writes } = scriptedTransport()
  const { outbox } = outboxOn(transport)
  transport.isSlow = true
  outbox.add(message('a'), 'durable', 0)
  outbox.flush()
  outbox.add(message('b'), 'durable', 0)
  outbox.finish(message('bye'), 0)
  expect(writes).toEqual([['a'], ['b', 'bye']])
})

test('a client that is always a little behind gets all in order, and of each state the newest', () => {
  const { transport, writes } = scriptedTransport()
  const { outbox } = outboxOn(transport, { lossyAboveBytes: 200_000, bufferedBytes: 10_000_000 })
  transport.isSlow = true
  const expected: string[] = []
  for (let number = 0; number < 3_000; number++) {
    const text = `${number} ${'x'.repeat(1_000)}`
    outbox.add(message(text), number % 3 === 0 ? { stateKey: `${number % 6}` } : 'durable', 0)
    if (number % 3 !== 0) expected.push(text)
    if (number % 70 !== 0) continue
    transport.bufferedBytes = 0
    outbox.drained()
  }
  while (outbox.bufferedBytes > 0) {
    transport.bufferedBytes = 0
    outbox.drained()
  }
  const written = writes.flat()
  const isState = (text: string) => Number.parseInt(text, 10) % 3 === 0
  expect(written.filter((text) => !isState(text))).toEqual(expected)
  const states = written.filter(isState).map((text) => Number.parseInt(text, 10))
  expect(states).toEqual(states.toSorted((one, other) => one - other))
  expect(states.slice(-2)).toEqual([2_994, 2_997])
})
