import { describe, expect, test } from 'vitest'
import { encodeTextRecord } from './encoded-message.ts'
import { MessageType, type HubMessage } from './hub-message.ts'
import { parseObject } from './json-object.ts'
import { jsonProtocol, writeJsonMessage } from './json-protocol.ts'
import { messageOf } from './message-fields.ts'

const read = (json: string) => messageOf(parseObject(Buffer.from(json)))

/** Every kind of message in each of its forms, as the official clients and their server write them. */
const vectors: [string, HubMessage][] = [
  ['{"type":1,"target":"Target","arguments":[]}', { type: 1, target: 'Target', arguments: [] }],
  [
    '{"type":1,"invocationId":"xyz","target":"method","arguments":[42,null,"a"]}',
    { type: 1, invocationId: 'xyz', target: 'method', arguments: [42, null, 'a'] },
  ],
  [
    '{"type":1,"target":"Target","arguments":[42],"streamIds":["__test_id__"]}',
    { type: 1, target: 'Target', arguments: [42], streamIds: ['__test_id__'] },
  ],
  [
    '{"type":1,"headers":{"Foo\\nBar":"\\r\\n","x":"y"},"target":"T","arguments":[]}',
    { type: 1, headers: { 'Foo\nBar': '\r\n', x: 'y' }, target: 'T', arguments: [] },
  ],
  ['{"type":2,"invocationId":"123","item":null}', { type: 2, invocationId: '123', item: null }],
  ['{"type":2,"invocationId":"123","item":{"a":[1]}}', { type: 2, invocationId: '123', item: { a: [1] } }],
  ['{"type":3,"invocationId":"123"}', { type: 3, invocationId: '123' }],
  ['{"type":3,"invocationId":"123","result":null}', { type: 3, invocationId: '123', result: null }],
  ['{"type":3,"invocationId":"123","result":10}', { type: 3, invocationId: '123', result: 10 }],
  ['{"type":3,"invocationId":"123","error":"Oops"}', { type: 3, invocationId: '123', error: 'Oops' }],
  [
    '{"type":4,"invocationId":"xyz","target":"method","arguments":[42]}',
    { type: 4, invocationId: 'xyz', target: 'method', arguments: [42] },
  ],
  ['{"type":5,"invocationId":"xyz"}', { type: 5, invocationId: 'xyz' }],
  ['{"type":6}', { type: 6 }],
  ['{"type":7}', { type: 7 }],
  ['{"type":7,"error":"Error!"}', { type: 7, error: 'Error!' }],
  ['{"type":7,"error":"Error!","allowReconnect":true}', { type: 7, error: 'Error!', allowReconnect: true }],
  ['{"type":7,"allowReconnect":true}', { type: 7, allowReconnect: true }],
  ['{"type":8,"sequenceId":42}', { type: 8, sequenceId: 42 }],
  ['{"type":9,"sequenceId":146}', { type: 9, sequenceId: 146 }],
]

describe('a vector', () => {
  test.each(vectors)('%s is read', (json, message) => {
    expect(read(json)).toEqual(message)
  })

  test.each(vectors)('%s is written', (json, message) => {
    expect(writeJsonMessage(message)).toBe(json)
  })
})

test.each<[string, HubMessage | undefined]>([
  ['{ "type":3, "result": 10, "invocationId": "15" }', { type: 3, invocationId: '15', result: 10 }],
  ['{ "item": "foo", "invocationId": "1a", "type":2 }', { type: 2, invocationId: '1a', item: 'foo' }],
  ['{"target":"Echo","arguments":[42],"extra":1,"type":1}', { type: 1, target: 'Echo', arguments: [42] }],
  ['{"type":7,"error":null}', { type: 7 }],
  ['{"type":0}', undefined],
  ['{"type":10,"anything":[]}', undefined],
])('%s is read whatever its order and its extras', (json, message) => {
  expect(read(json)).toEqual(message)
})

test.each([
  '{}',
  '{"type":"1","target":"T","arguments":[]}',
  '{"type":1}',
  '{"type":1,"arguments":[]}',
  '{"type":1,"target":"","arguments":[]}',
  '{"type":1,"target":"T"}',
  '{"type":1,"target":"T","arguments":{}}',
  '{"type":1,"target":"T","arguments":[],"invocationId":1}',
  '{"type":1,"target":"T","arguments":[],"invocationId":null}',
  '{"type":1,"target":"T","arguments":[],"invocationId":""}',
  '{"type":1,"target":"T","arguments":[],"streamIds":"1"}',
  '{"type":1,"target":"T","arguments":[],"streamIds":[1]}',
  '{"type":1,"target":"T","arguments":[],"streamIds":[""]}',
  '{"type":1,"target":"T","arguments":[],"headers":[]}',
  '{"type":1,"target":"T","arguments":[],"headers":{"a":1}}',
  '{"type":2,"invocationId":"1"}',
  '{"type":2,"item":1}',
  '{"type":3}',
  '{"type":3,"invocationId":"1","error":1}',
  '{"type":3,"invocationId":"1","result":1,"error":"both"}',
  '{"type":4,"target":"T","arguments":[]}',
  '{"type":5}',
  '{"type":5,"invocationId":1}',
  '{"type":7,"error":1}',
  '{"type":7,"allowReconnect":"yes"}',
  '{"type":8}',
  '{"type":8,"sequenceId":"1"}',
  '{"type":8,"sequenceId":1.5}',
  '{"type":9,"sequenceId":-1}',
  '[]',
  'null',
  '"text"',
  'not JSON',
  '',
])('%s is refused', (json) => {
  expect(() => read(json)).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
})

test('what inherited properties say is not in the message', () => {
  expect(() => read('{"__proto__":{"type":6}}')).toThrow("'type'")
  expect(read('{"type":1,"target":"T","arguments":[],"__proto__":{"invocationId":"1"}}')).toEqual({
    type: 1,
    target: 'T',
    arguments: [],
  })
})

test('an item that is not there is written as null, and a result that is not there is left out', () => {
  expect(writeJsonMessage({ type: MessageType.streamItem, invocationId: '1', item: undefined })).toBe(
    '{"type":2,"invocationId":"1","item":null}',
  )
  expect(writeJsonMessage({ type: MessageType.completion, invocationId: '1', result: undefined })).toBe(
    '{"type":3,"invocationId":"1"}',
  )
})

test('a raw argument stands in the message as it came', () => {
  const json = '{"text": "漢字 👋"}'
  const expected = '{"type":1,"target":"Say \\"hi\\"","arguments":[{"text": "漢字 👋"}]}\u001e'
  expect(jsonProtocol.encodeRawInvocation('Say "hi"', json).payload.toString()).toBe(expected)
  expect(jsonProtocol.encodeRawInvocation('Say "hi"', Buffer.from(json)).payload.toString()).toBe(expected)
})

test.each([
  [0, '81 01'],
  [124, '81 7d'],
  [125, '81 7e 00 7e'],
  [65_534, '81 7e ff ff'],
  [65_535, '81 7f 00 00 00 00 00 01 00 00'],
])('a text of %i bytes has the WebSocket header %s', (length, header) => {
  const { webSocketFrame, payload } = encodeTextRecord('x'.repeat(length), true)
  expect(payload.toString()).toBe(`${'x'.repeat(length)}\u001e`)
  expect(webSocketFrame.subarray(0, webSocketFrame.length - payload.length)).toEqual(
    Buffer.from(header.replaceAll(' ', ''), 'hex'),
  )
})
