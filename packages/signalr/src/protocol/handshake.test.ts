import { expect, test } from 'vitest'
import { readHandshake } from './handshake.ts'

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
