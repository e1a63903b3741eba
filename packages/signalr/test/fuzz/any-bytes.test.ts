import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { jsonProtocol } from '../../src/protocol/json-protocol.ts'
import { ProtocolError } from '../../src/protocol/protocol-error.ts'
import { startHub, startedClient, type TestHub } from '../fixture.ts'

const limits = { messageBytes: 4_096, nestingDepth: 32, messageValues: 20_000 }
const unhandled: unknown[] = []
const note = (error: unknown) => unhandled.push(error)

let hub: TestHub
beforeAll(async () => {
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
  hub = await startHub({
    limits,
    hub: { methods: { Echo: (_, value) => value, Boom: () => Promise.reject(new Error()) } },
  })
})
afterAll(async () => {
  await hub[Symbol.asyncDispose]()
  process.off('unhandledRejection', note)
  process.off('uncaughtException', note)
  expect(unhandled).toEqual([])
})

/** Values that look like messages, with each field right, missing or wrong. */
const oddValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('', 'Echo', 'Boom', '__proto__', 'constructor', -1, 2 ** 53, -0, 1e308, null, [], {}),
)
const oddMessage = fc.record(
  {
    type: fc.oneof(fc.integer({ min: 0, max: 10 }), oddValue),
    invocationId: fc.oneof(fc.constantFrom('0', '1'), oddValue),
    target: fc.oneof(fc.constantFrom('Echo', 'Boom'), oddValue),
    arguments: fc.oneof(fc.array(fc.jsonValue()), oddValue),
    streamIds: oddValue,
    headers: oddValue,
    item: oddValue,
    result: oddValue,
    error: oddValue,
    allowReconnect: oddValue,
    sequenceId: oddValue,
    ['__proto__']: oddValue,
  },
  { requiredKeys: [] },
)
const oddBytes = fc.oneof(
  { weight: 4, arbitrary: fc.array(oddMessage).map((list) => Buffer.from(list.map(asRecord).join(''))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.string().map((text) => Buffer.from(`${text}\u001e`)) },
  { weight: 1, arbitrary: fc.constantFrom('[', '{"a":', '"', '\\').map((text) => Buffer.from(text.repeat(2_000))) },
)

function asRecord(message: unknown): string {
  return `${JSON.stringify(message)}\u001e`
}

/** The messages in the bytes, or what is wrong with them. Cut where the second argument says. */
function readAll(bytes: Buffer, cuts: readonly number[]): unknown {
  const reader = jsonProtocol.createReader(limits)
  const messages: unknown[] = []
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b)
  try {
    for (const [index, place] of [...places, bytes.length].entries()) {
      reader.push(bytes.subarray(index === 0 ? 0 : places[index - 1], place))
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        if (message !== null) messages.push(message)
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { messages, error: error.message }
  }
  return { messages }
}

test('any bytes are messages or a protocol error, the same wherever they are cut', () => {
  fc.assert(
    fc.property(oddBytes, fc.array(fc.nat({ max: 10_000 })), (bytes, cuts) => {
      expect(readAll(bytes, cuts)).toEqual(readAll(bytes, []))
    }),
    { numRuns: 1_000 },
  )
})

test('every message that can be read can be written and read again', () => {
  fc.assert(
    fc.property(oddMessage, (message) => {
      const { messages } = readAll(Buffer.from(asRecord(message)), []) as { messages: never[] }
      for (const read of messages) {
        const again = readAll(jsonProtocol.encode(read).payload, [])
        expect(again).toEqual({ messages: [JSON.parse(JSON.stringify(read))] })
      }
    }),
    { numRuns: 1_000 },
  )
})

test('no bytes on a socket harm the server', async () => {
  const handshake = fc.constantFrom('{"protocol":"json","version":1}\u001e', '')
  const frames = fc.array(fc.tuple(oddBytes, fc.boolean(), fc.boolean()), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(handshake, frames, fc.boolean(), async (hello, list, terminates) => {
      const socket = new WebSocket(hub.url.replace('http', 'ws'))
      const closed = Promise.withResolvers<void>()
      socket.on('error', () => {})
      socket.on('close', closed.resolve)
      socket.on('open', () => {
        if (hello) socket.send(hello)
        for (const [bytes, binary, fin] of list) socket.send(bytes, { binary, fin })
        if (terminates) setImmediate(() => socket.terminate())
        else socket.close()
      })
      await closed.promise
    }),
    { numRuns: 200 },
  )
  await using client = await startedClient(hub)
  expect(await client.invoke('Echo', 'alive')).toBe('alive')
  await expect.poll(() => hub.connections().length).toBe(1)
})

test('no bytes on a TCP connection harm the server', async () => {
  const { connect } = await import('node:net')
  const { hostname, port } = new URL(hub.url)
  const upgrade =
    'GET /hubs/test HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 })), async (chunks) => {
      const socket = connect(Number(port), hostname)
      const closed = Promise.withResolvers<void>()
      socket.on('error', () => {})
      socket.on('close', () => closed.resolve())
      socket.resume()
      socket.write(upgrade)
      for (const chunk of chunks) socket.write(chunk)
      socket.end()
      await closed.promise
    }),
    { numRuns: 200 },
  )
  await using client = await startedClient(hub)
  expect(await client.invoke('Echo', 'alive')).toBe('alive')
})
