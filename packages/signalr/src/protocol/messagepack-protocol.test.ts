import type { HubMessage as OfficialMessage } from '@microsoft/signalr'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { describe, expect, test } from 'vitest'
import type { HubMessage } from './hub-message.ts'
import { messageOf } from './message-fields.ts'
import { elementsOf } from './messagepack-elements.ts'
import { fieldsOf } from './messagepack-fields.ts'
import { messagePackProtocol } from './messagepack-protocol.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const read = (body: string) =>
  messageOf(fieldsOf(elementsOf(hex(body), { nestingDepth: 32, messageValues: 1_000 }).elements))
const written = (message: HubMessage) => messagePackProtocol.encode(message).payload

/** Answers what one connection reads from the bytes. */
function readAll(bytes: Buffer): HubMessage[] {
  const reader = messagePackProtocol.createReader({ messageBytes: 1_000, nestingDepth: 32, messageValues: 1_000 })
  reader.push(bytes)
  const messages: HubMessage[] = []
  for (let message = reader.next(); message !== undefined; message = reader.next()) {
    if (message !== null) messages.push(message)
  }
  return messages
}

/** Every kind of message in each of its forms, as the official clients and their server write them. */
const vectors: [string, HubMessage][] = [
  ['960180a378797aa66d6574686f649090', { type: 1, invocationId: 'xyz', target: 'method', arguments: [] }],
  ['960180c0a66d6574686f64912a90', { type: 1, target: 'method', arguments: [42] }],
  [
    '960180c0a65461726765749091ab5f5f746573745f69645f5f',
    { type: 1, target: 'Target', arguments: [], streamIds: ['__test_id__'] },
  ],
  [
    '960182a178a179a17aa17aa378797aa66d6574686f64912a90',
    { type: 1, headers: { x: 'y', z: 'z' }, invocationId: 'xyz', target: 'method', arguments: [42] },
  ],
  ['960180a130a44563686f912a90', { type: 1, invocationId: '0', target: 'Echo', arguments: [42] }],
  ['960180a133a44563686f910191a132', { type: 1, invocationId: '3', target: 'Echo', arguments: [1], streamIds: ['2'] }],
  ['960480a378797aa66d6574686f64912a90', { type: 4, invocationId: 'xyz', target: 'method', arguments: [42] }],
  ['940280a378797a2a', { type: 2, invocationId: 'xyz', item: 42 }],
  ['940280a378797ac0', { type: 2, invocationId: 'xyz', item: null }],
  ['950380a378797a01b04572726f72206e6f7420666f756e6421', { type: 3, invocationId: 'xyz', error: 'Error not found!' }],
  ['950380a378797a01a0', { type: 3, invocationId: 'xyz', error: '' }],
  ['940380a378797a02', { type: 3, invocationId: 'xyz' }],
  ['950380a378797a03c0', { type: 3, invocationId: 'xyz', result: null }],
  ['950380a378797a032a', { type: 3, invocationId: 'xyz', result: 42 }],
  ['950380a361626303d6ff5a4a1a50', { type: 3, invocationId: 'abc', result: new Date('2018-01-01T11:24:00Z') }],
  ['940380a13202', { type: 3, invocationId: '2' }],
  ['930580a378797a', { type: 5, invocationId: 'xyz' }],
  ['930580a134', { type: 5, invocationId: '4' }],
  ['9106', { type: 6 }],
  ['9307c0c2', { type: 7 }],
  ['9307c0c3', { type: 7, allowReconnect: true }],
  ['9307a64572726f7221c2', { type: 7, error: 'Error!' }],
  ['9307a64572726f7221c3', { type: 7, error: 'Error!', allowReconnect: true }],
  ['9307a0c2', { type: 7, error: '' }],
  ['92082a', { type: 8, sequenceId: 42 }],
  ['9209cc92', { type: 9, sequenceId: 146 }],
]

describe('a vector', () => {
  test.each(vectors)('%s is read', (body, message) => {
    expect(read(body)).toEqual(message)
  })

  test.each(vectors)('%s is written', (body, message) => {
    const bytes = hex(body)
    expect(written(message)).toEqual(Buffer.concat([Buffer.of(bytes.length), bytes]))
  })

  test('ends where the next one begins', () => {
    const bytes = Buffer.concat(vectors.map(([, message]) => written(message)))
    expect(readAll(bytes)).toEqual(vectors.map(([, message]) => message))
  })
})

test.each<[string, HubMessage | undefined]>([
  ['940280a378797aca42280000', { type: 2, invocationId: 'xyz', item: 42 }],
  ['950180a130a44563686f912a', { type: 1, invocationId: '0', target: 'Echo', arguments: [42] }],
  ['970180c0a44563686f90902a', { type: 1, target: 'Echo', arguments: [] }],
  ['950480a130a44563686f912a', { type: 4, invocationId: '0', target: 'Echo', arguments: [42] }],
  ['980480a130a44563686f9090c0c0', { type: 4, invocationId: '0', target: 'Echo', arguments: [] }],
  ['950280a378797a2a00', { type: 2, invocationId: 'xyz', item: 42 }],
  ['950380a36162630200', { type: 3, invocationId: 'abc' }],
  ['940580a378797a2a', { type: 5, invocationId: 'xyz' }],
  ['9206c0', { type: 6 }],
  ['9207c0', { type: 7 }],
  ['9307c0c0', { type: 7 }],
  ['9407c0c22a', { type: 7 }],
  ['93082a00', { type: 8, sequenceId: 42 }],
  ['9208cf000000000000002a', { type: 8, sequenceId: 42 }],
  ['9100', undefined],
  ['910a', undefined],
  ['940a80c090', undefined],
  ['91cd1000', undefined],
])('%s is read whatever its form and its extras', (body, message) => {
  expect(read(body)).toEqual(message)
})

test.each([
  ['90', 'no elements'],
  ['80', 'a map'],
  ['2a', 'a number'],
  ['91a131', 'type as string'],
  ['91c0', 'type nil'],
  ['91cb3ff8000000000000', 'type 1.5'],
  ['91cfffffffffffffffff', 'type beyond every integer'],
  ['9101', 'nothing but a type'],
  ['940180c0a154', 'no arguments'],
  ['960190c0a1549090', 'headers are an array'],
  ['9601c0c0a1549090', 'headers are nil'],
  ['9601a161c0a1549090', 'headers are a string'],
  ['9601c400c0a1549090', 'headers are bytes'],
  ['9601812aa179c0a1549090', 'a header with a number for a name'],
  ['960181a0a179c0a1549090', 'a header without a name'],
  ['960181c0a179c0a1549090', 'a header with nil for a name'],
  ['960181a1782ac0a1549090', 'a header that is a number'],
  ['960181a178a0c0a1549090', 'a header that is empty'],
  ['960181a178c0c0a1549090', 'a header that is nil'],
  ['96018190a179c0a1549090', 'a header with an array for a name'],
  ['960181a17890c0a1549090', 'a header that is an array'],
  ['960180c3a1549090', 'invocation id a boolean'],
  ['9601802aa1549090', 'invocation id a number'],
  ['960180a0a1549090', 'invocation id empty'],
  ['960180c0a09090', 'target empty'],
  ['960180c02a9090', 'target a number'],
  ['960180c0c09090', 'target nil'],
  ['960180c0a154c090', 'arguments nil'],
  ['960180c0a1548090', 'arguments a map'],
  ['960180c0a1542a90', 'arguments a number'],
  ['960180c0a1549091a0', 'stream id empty'],
  ['960180c0a154909101', 'stream id a number'],
  ['960180c0a15490c0', 'stream ids nil'],
  ['960180c0a1549080', 'stream ids a map'],
  ['960480c0a1549090', 'a stream invocation without id'],
  ['930280a131', 'no item'],
  ['940280c02a', 'an item for nothing'],
  ['930380a131', 'no kind of result'],
  ['940380a13103', 'no result'],
  ['940380a13101', 'no error'],
  ['950380a13101c0', 'error nil'],
  ['950380a131012a', 'error a number'],
  ['950380a1312a2a', 'kind 42'],
  ['940380a131c0', 'kind nil'],
  ['950380c0032a', 'a result for nothing'],
  ['9205 80', 'no id to cancel'],
  ['930580c0', 'nil to cancel'],
  ['930580c3', 'a boolean to cancel'],
  ['9107', 'no error in a close'],
  ['93072ac2', 'close error a number'],
  ['9307c02a', 'allowReconnect a number'],
  ['9108', 'no number in an ack'],
  ['9208c0', 'ack of nil'],
  ['9208a131', 'ack of a string'],
  ['9208ff', 'ack of less than nothing'],
  ['9208cb3ff8000000000000', 'ack of 1.5'],
  ['9208cf0020000000000000', 'ack of 2^53'],
  ['9109', 'no number in a sequence'],
  ['9209ff', 'sequence of -1'],
  ['9209d38000000000000000', 'sequence of the lowest integer'],
  ['9209cf8000000000000000', 'sequence beyond every number'],
  ['960180c0a154ddffffffff', 'more arguments than bytes'],
  ['960180c0a154dbffffffff', 'a longer string than there are bytes'],
  ['960180c0a15491dfffffffff0000', 'a larger map than there are bytes'],
  ['960180c0a15491c1', 'a byte that begins no value'],
  ['960180c0a15491d5ff000090', 'a timestamp of two bytes'],
  ['960180c0a1549181a95f5f70726f746f5f5f8090', 'a property named __proto__'],
  ['960180c0a15491819001 90', 'a property with an array for a name'],
  ['960180c0a1549181c00190', 'a property with nil for a name'],
  ['9106c0', 'something behind the message'],
  ['', 'an empty message'],
])('%s is refused: %s', (body) => {
  expect(() => read(body)).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
})

test('every message cut short anywhere is refused', () => {
  for (const [body] of vectors) {
    for (let length = 0; length < body.length; length += 2) {
      expect(() => read(body.slice(0, length))).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
    }
  }
})

test('an empty message is refused, and one of an unknown type is passed over', () => {
  expect(() => readAll(hex('029106 00'))).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
  expect(readAll(hex('02910a 0391cc63 05940a80c090 029106'))).toEqual([{ type: 6 }])
})

test('a message is as large, framing included, as the official server writes it', () => {
  expect(written({ type: 6 })).toHaveLength(3)
  expect(written({ type: 7 })).toHaveLength(5)
  expect(written({ type: 3, invocationId: '1' })).toHaveLength(7)
  expect(written({ type: 5, invocationId: '1' })).toHaveLength(6)
})

test('an item or a result that is not there is written as nil or nothing, like an argument or a property', () => {
  expect(written({ type: 2, invocationId: '1', item: undefined })).toEqual(hex('06 940280a131c0'))
  expect(written({ type: 3, invocationId: '1', result: undefined })).toEqual(hex('06 940380a13102'))
  expect(written({ type: 1, target: 'T', arguments: [undefined, { a: undefined, b: 1 }] })).toEqual(
    hex('0d 960180c0a15492c081a1620190'),
  )
})

test('a raw argument is written as what its JSON says', () => {
  const json = '{"text": "漢字 👋", "list": [1, 1.5, null, true, 5000000000]}'
  const value = { text: '漢字 👋', list: [1, 1.5, null, true, 5_000_000_000] }
  const expected = written({ type: 1, target: 'Say', arguments: [value] })
  expect(messagePackProtocol.encodeRawInvocation('Say', json).payload).toEqual(expected)
  const bytes = Buffer.from(` ${json}`).subarray(1)
  expect(messagePackProtocol.encodeRawInvocation('Say', bytes).payload).toEqual(expected)
  expect(messagePackProtocol.encodeRawInvocation('Say', new Uint8Array(bytes)).payload).toEqual(expected)
  expect(() => messagePackProtocol.encodeRawInvocation('Say', '{')).toThrow(SyntaxError)
})

test.each([
  [0, '82 0b'],
  [113, '82 7d'],
  [114, '82 7e 00 7e'],
])('an item of %i bytes stands in one binary frame that begins with %s', (length, header) => {
  const message = messagePackProtocol.encode({ type: 2, invocationId: '12345', item: 'x'.repeat(length) })
  const { webSocketFrame, payload } = message
  expect(message).toMatchObject({ isBinary: true, isCounted: true })
  expect(webSocketFrame.subarray(0, webSocketFrame.length - payload.length)).toEqual(hex(header))
  expect(readAll(payload)).toEqual([{ type: 2, invocationId: '12345', item: 'x'.repeat(length) }])
})

test('calls, streams and their ends are counted, the others are not', () => {
  for (const [, message] of vectors) {
    expect(messagePackProtocol.encode(message).isCounted).toBe(message.type <= 5)
  }
})

describe('the official protocol', () => {
  const official = new MessagePackHubProtocol()
  const officiallyWritten = (message: HubMessage) => Buffer.from(official.writeMessage(message as OfficialMessage))
  const value = {
    numbers: [0, 127, 128, 255, 256, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -1, -33, -129, -32_769, -(2 ** 31) - 1],
    fractions: [1.5, -0.25, 2 ** 60, 1e300],
    text: ['', 'é漢👋', 'x'.repeat(300)],
    bytes: new Uint8Array(300),
    dates: [new Date(0), new Date(-1), new Date('2018-01-01T11:24:00.123Z'), new Date('2600-01-01T00:00:00Z')],
    other: [true, false, null, {}, []],
  }

  test('writes the same bytes, where it writes the whole message', () => {
    const messages: HubMessage[] = [
      { type: 1, target: 'T', arguments: [value], streamIds: [] },
      { type: 1, headers: { a: 'b' }, invocationId: '1', target: 'T', arguments: [value], streamIds: ['2'] },
      { type: 4, invocationId: '1', target: 'T', arguments: [value], streamIds: [] },
      { type: 2, invocationId: '1', item: value },
      { type: 3, invocationId: '1', result: value },
      { type: 3, invocationId: '1', result: null },
      { type: 3, invocationId: '1' },
      { type: 3, invocationId: '1', error: 'Oops' },
      { type: 5, invocationId: '1' },
      { type: 6 },
      { type: 8, sequenceId: 2 ** 40 },
      { type: 9, sequenceId: 1 },
    ]
    for (const message of messages) expect(written(message)).toEqual(officiallyWritten(message))
  })

  test('writes what is read as it was meant', () => {
    const messages: HubMessage[] = [
      { type: 1, invocationId: '1', target: 'T', arguments: [value] },
      { type: 4, invocationId: '1', target: 'T', arguments: [value], streamIds: ['2', '3'] },
      { type: 2, invocationId: '1', item: value },
      { type: 3, invocationId: '1', result: value },
      { type: 7 },
    ]
    for (const message of messages) expect(readAll(officiallyWritten(message))).toEqual([message])
  })

  test('reads what is written', () => {
    const messages: HubMessage[] = [
      { type: 1, invocationId: '1', target: 'T', arguments: [value] },
      { type: 2, invocationId: '1', item: value },
      { type: 3, invocationId: '1', result: value },
      { type: 7, error: 'Error!', allowReconnect: true },
      { type: 9, sequenceId: 2 ** 40 },
    ]
    const bytes = new Uint8Array(Buffer.concat(messages.map(written)))
    const silent = { log: () => {} }
    expect(official.parseMessages(bytes.buffer, silent)).toMatchObject(messages)
  })
})

test.each([
  ['02 9106', { type: 6 }],
  ['0c 950180a130a44563686f912a', { type: 1, invocationId: '0', target: 'Echo', arguments: [42] }],
  [
    '0f 960180a133a44563686f910191a132',
    { type: 1, invocationId: '3', target: 'Echo', arguments: [1], streamIds: ['2'] },
  ],
  ['06 940380a13202', { type: 3, invocationId: '2' }],
  ['05 930580a134', { type: 5, invocationId: '4' }],
  ['03 9207c0', { type: 7 }],
  ['0e 950380a361626303d6ff5a4a1a50', { type: 3, invocationId: 'abc', result: new Date('2018-01-01T11:24:00Z') }],
  ['09 950380a36162630200', { type: 3, invocationId: 'abc' }],
])('%s, as clients frame it, is read', (framed, message) => {
  const reader = messagePackProtocol.createReader({ messageBytes: 1_000, nestingDepth: 32, messageValues: 1_000 })
  for (const byte of hex(framed)) reader.push(Buffer.of(byte))
  expect(reader.next()).toEqual(message)
  expect(reader.next()).toBeUndefined()
})

test.each([
  ['029106', { type: 6 }],
  ['049307c0c2', { type: 7 }],
  ['06940380a13102', { type: 3, invocationId: '1' }],
  ['05930580a131', { type: 5, invocationId: '1' }],
] as const)('%s is what is sent, framing included', (framed, message) => {
  expect(messagePackProtocol.encode(message).payload.toString('hex')).toBe(framed)
})
