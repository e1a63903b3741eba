import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HubMessage } from './hub-message.ts'
import type { HubProtocol } from './hub-protocol.ts'
import { jsonProtocol } from './json-protocol.ts'
import { messagePackProtocol } from './messagepack-protocol.ts'
import { ProtocolError } from './protocol-error.ts'

const protocols: [string, HubProtocol][] = [
  ['json', jsonProtocol],
  ['messagepack', messagePackProtocol],
]
const limits = { messageBytes: 1_000_000, nestingDepth: 64, messageValues: 1_000_000 }

const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.string({ minLength: 30, maxLength: 300 }))
const id = text.filter((name) => name !== '')
/** What both protocols can say: no -0, and no name that the JavaScript client refuses. */
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    text,
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 20, noNullPrototype: true },
    ),
  ),
})).value
const headers = fc.dictionary(
  id.filter((name) => name !== '__proto__'),
  id,
  { minKeys: 1, noNullPrototype: true },
)
const optional = <T extends object, U extends object>(required: fc.Arbitrary<T>, others: fc.Arbitrary<U>) =>
  fc.tuple(required, others).map(([first, second]) => ({ ...first, ...second }))

const call = {
  target: id,
  arguments: fc.array(value),
}
const sometimes = fc.record({ headers, streamIds: fc.array(id, { minLength: 1 }) }, { requiredKeys: [] })
const sometimesHeaders = fc.record({ headers }, { requiredKeys: [] })
const type = <N extends HubMessage['type']>(number: N) => fc.constant(number)

const message: fc.Arbitrary<HubMessage> = fc.oneof(
  optional(fc.record({ type: type(1), ...call }), sometimes),
  optional(fc.record({ type: type(1), invocationId: id, ...call }), sometimes),
  optional(fc.record({ type: type(2), invocationId: id, item: value }), sometimesHeaders),
  optional(fc.record({ type: type(3), invocationId: id }), sometimesHeaders),
  optional(fc.record({ type: type(3), invocationId: id, result: value }), sometimesHeaders),
  optional(fc.record({ type: type(3), invocationId: id, error: text }), sometimesHeaders),
  optional(fc.record({ type: type(4), invocationId: id, ...call }), sometimes),
  optional(fc.record({ type: type(5), invocationId: id }), sometimesHeaders),
  fc.record({ type: type(6) }),
  optional(
    fc.record({ type: type(7) }),
    fc.record({ error: text, allowReconnect: fc.constant(true) }, { requiredKeys: [] }),
  ),
  fc.record({ type: type(8), sequenceId: fc.maxSafeNat() }),
  fc.record({ type: type(9), sequenceId: fc.maxSafeNat() }),
)

/** What is read from the bytes, cut at these places, and what was wrong with them. */
function readAll(protocol: HubProtocol, bytes: Buffer, cuts: readonly number[], by = limits) {
  const reader = protocol.createReader(by)
  const messages: HubMessage[] = []
  const places = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b)
  let start = 0
  try {
    for (const place of [...places, bytes.length]) {
      reader.push(bytes.subarray(start, place))
      start = place
      for (let next = reader.next(); next !== undefined; next = reader.next()) {
        if (next !== null) messages.push(next)
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { messages, error: error.message }
  }
  return { messages }
}

describe.each(protocols)('%s', (_, protocol) => {
  test('messages are read as they were written, wherever their bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 20 }), (messages, cuts) => {
        const bytes = Buffer.concat(messages.map((each) => protocol.encode(each).payload))
        expect(readAll(protocol, bytes, cuts)).toEqual({ messages })
      }),
      { numRuns: 500 },
    )
  })

  test('messages whose bytes come one by one are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 3 }), (messages) => {
        const bytes = Buffer.concat(messages.map((each) => protocol.encode(each).payload))
        expect(readAll(protocol, bytes, [...bytes.keys()])).toEqual({ messages })
      }),
      { numRuns: 100 },
    )
  })

  test('any bytes are messages or a protocol error, the same wherever they are cut', () => {
    const wrong = fc.tuple(message, fc.nat(), fc.nat({ max: 255 })).map(([right, place, byte]) => {
      const bytes = Buffer.from(protocol.encode(right).payload)
      bytes[place % bytes.length] = byte
      return bytes
    })
    const noise = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes))
    const bytes = fc.array(fc.oneof(wrong, noise), { maxLength: 4 }).map((list) => Buffer.concat(list))
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 10 }), (all, cuts) => {
        const by = { messageBytes: 300, nestingDepth: 5, messageValues: 100_000 }
        expect(readAll(protocol, all, cuts, by)).toEqual(readAll(protocol, all, [], by))
      }),
      { numRuns: 2_000 },
    )
  })
})

test('bytes that are MessagePack in form are read or refused, and what is read can be written', () => {
  const byte = fc.oneof(
    fc.nat({ max: 255 }),
    fc.constantFrom(0x80, 0x81, 0x90, 0x91, 0xa1, 0xc0, 0xc4, 0xd6, 0xd7, 0xff),
  )
  const body = fc
    .array(byte, { maxLength: 30 })
    .map((rest) => [0x96, 0x01, 0x80, 0xc0, 0xa1, 0x54, 0x91, ...rest, 0x90])
  fc.assert(
    fc.property(body, (list) => {
      const { messages } = readAll(messagePackProtocol, Buffer.from([list.length, ...list]), [])
      for (const read of messages) {
        const again = readAll(messagePackProtocol, messagePackProtocol.encode(read).payload, [])
        expect(again.messages).toHaveLength(1)
      }
    }),
    { numRuns: 5_000 },
  )
})

test.each([
  ['arrays', [0x91], [0xc0]],
  ['maps', [0x81, 0xa1, 0x61], [0xc0]],
  ['keys', [0x81], [0xc0]],
])('100,000 levels of %s are refused at once', (_, level, end) => {
  const head = [0x96, 0x01, 0x80, 0xc0, 0xa1, 0x54]
  const body = Buffer.from([...head, ...Array.from({ length: 100_000 }, () => level).flat(), ...end, 0x90])
  const prefix = Buffer.of((body.length & 0x7f) | 0x80, ((body.length >> 7) & 0x7f) | 0x80, body.length >> 14)
  const startMs = performance.now()
  const { messages, error } = readAll(messagePackProtocol, Buffer.concat([prefix, body]), [])
  expect(performance.now() - startMs).toBeLessThan(250)
  expect({ messages, error }).toEqual({ messages: [], error: 'The message is nested deeper than 64 levels.' })
})

test('as many values as fit into a message take time in proportion to their number', () => {
  const timeOf = (first: number, count: number) => {
    const head = [0x96, 0x01, 0x80, 0xc0, 0xa1, 0x54, 0xdd, count >>> 24, count >>> 16, count >>> 8, count]
    const body = Buffer.concat([Buffer.from(head), Buffer.alloc(count, first), Buffer.of(0x90)])
    const prefix = Buffer.of((body.length & 0x7f) | 0x80, ((body.length >> 7) & 0x7f) | 0x80, body.length >> 14)
    const startMs = performance.now()
    expect(readAll(messagePackProtocol, Buffer.concat([prefix, body]), []).messages).toHaveLength(1)
    return performance.now() - startMs
  }
  for (const first of [0x80, 0x90, 0xa0, 0xc0]) expect(timeOf(first, 900_000)).toBeLessThan(5_000)
})
