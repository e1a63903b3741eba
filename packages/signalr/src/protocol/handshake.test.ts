import { expect, test } from 'vitest'
import { handshakeAccepted, readHandshake, shakeHands } from './handshake.ts'
import { jsonProtocol } from './json-protocol.ts'
import { messagePackProtocol } from './messagepack-protocol.ts'
import { TextRecords } from './text-records.ts'

test.each([
  ['{"protocol":"dummy","version":1}', { protocol: 'dummy', version: 1 }],
  ['{"protocol":"","version":10}', { protocol: '', version: 10 }],
  ['{"protocol":"dummy","version":1,"unknown":null}', { protocol: 'dummy', version: 1 }],
])('%s is a handshake', (json, handshake) => {
  expect(readHandshake(Buffer.from(json))).toEqual(handshake)
})

test.each([
  '{}',
  '{"protocol":"dummy"}',
  '{"version":1}',
  '{"protocol":"dummy","version":"1"}',
  '{"protocol":null,"version":1}',
  '{"protocol":"dummy","version":1,"deep":[[[[1]]]]}',
  '[]',
  '42',
  'null',
])('%s is no handshake', (json) => {
  expect(() => readHandshake(Buffer.from(json))).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
})

test('nothing is said of a handshake before its separator is there', () => {
  const records = new TextRecords(100)
  records.push(Buffer.from('42'))
  expect(shakeHands(records, [jsonProtocol])).toBeUndefined()
  records.push(Buffer.from('\u001e'))
  expect(() => shakeHands(records, [jsonProtocol])).toThrow(expect.objectContaining({ name: 'HandshakeError' }))
})

test('a handshake is accepted in text for JSON and in binary for MessagePack', () => {
  expect(handshakeAccepted(jsonProtocol).webSocketFrame).toEqual(Buffer.from('\x81\x03{}\x1e', 'latin1'))
  expect(handshakeAccepted(messagePackProtocol).webSocketFrame).toEqual(Buffer.from('\x82\x03{}\x1e', 'latin1'))
})
