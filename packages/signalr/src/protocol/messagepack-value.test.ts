import { decode, ExtData } from '@msgpack/msgpack'
import { expect, test } from 'vitest'
import { readValue, writeValue } from './messagepack-value.ts'
import { MAX_WRITTEN_DEPTH } from './messagepack-writable.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const written = (value: unknown) => Buffer.from(writeValue(value)).toString('hex')
const readBack = (value: unknown) => readValue(Buffer.from(writeValue(value)))

/** An array within an array, so many levels. */
function nested(levels: number): unknown {
  let value: unknown = []
  for (let level = 1; level < levels; level++) value = [value]
  return value
}

test.each([
  [2 ** 32 - 1, 'ceffffffff'],
  [2 ** 32, 'cf0000000100000000'],
  [2 ** 53 - 1, 'cf001fffffffffffff'],
  [-(2 ** 31), 'd280000000'],
  [-(2 ** 31) - 1, 'd3ffffffff7fffffff'],
  [5n, '05'],
  [-1n, 'ff'],
  [2n ** 32n, 'cf0000000100000000'],
  [2n ** 64n - 1n, 'cfffffffffffffffff'],
  [-(2n ** 63n), 'd38000000000000000'],
  [2 ** 53, 'cb4340000000000000'],
  [0.5, 'cb3fe0000000000000'],
])('%s is written as %s', (value, bytes) => {
  expect(written(value)).toBe(bytes)
  expect(written([value])).toBe(`91${bytes}`)
})

test.each([
  ['cf001fffffffffffff', 2 ** 53 - 1],
  ['cf0020000000000000', 2n ** 53n],
  ['cfffffffffffffffff', 2n ** 64n - 1n],
  ['d3ffe0000000000001', -(2 ** 53) + 1],
  ['d38000000000000000', -(2n ** 63n)],
  ['91cf0000000000000001', [1]],
  ['81a161cf8000000000000000', { a: 2n ** 63n }],
])('%s is read as %s: an integer that is not safe as a number is a bigint', (bytes, value) => {
  expect(readValue(hex(bytes))).toEqual(value)
})

test.each([
  ['a bigint of more than 64 bits', 2n ** 64n],
  ['a bigint below them', -(2n ** 63n) - 1n],
  ['a function', () => 1],
  ['a function within', { a: [() => 1] }],
  ['a symbol', Symbol('x')],
  ['what toJSON answers', { toJSON: () => Symbol('x') }],
])('%s cannot be written', (_, value) => {
  expect(() => writeValue(value)).toThrow(/cannot be written/)
  expect(written('still here')).toBe('aa7374696c6c2068657265')
})

test('what is nested too deep, or in itself, cannot be written, and does not overflow the stack', () => {
  expect(readBack(nested(MAX_WRITTEN_DEPTH))).toEqual(nested(MAX_WRITTEN_DEPTH))
  const itself: unknown[] = []
  itself.push(itself)
  const byName: Record<string, unknown> = {}
  byName['self'] = { deeper: byName }
  const byJson = { toJSON: () => byJson }
  for (const value of [nested(MAX_WRITTEN_DEPTH + 1), nested(100_000), itself, byName, byJson]) {
    expect(() => writeValue(value)).toThrow('nested deeper than 128 levels')
  }
})

test('properties and elements that are not there are written as JSON does', () => {
  const value = { a: undefined, b: [undefined, 1, , { c: undefined }], d: 1 } // eslint-disable-line no-sparse-arrays
  expect(readBack(value)).toEqual(JSON.parse(JSON.stringify(value)))
  expect(readBack(undefined)).toBeNull()
})

test('toJSON is asked, and what was given is not changed', () => {
  const value = { url: new URL('https://example.org/'), list: [{ toJSON: () => 5_000_000_000 }, 1] }
  const before = { ...value, list: [...value.list] }
  expect(readBack(value)).toEqual({ url: 'https://example.org/', list: [5_000_000_000, 1] })
  expect(value).toEqual(before)
})

test.each(['1970-01-01', '2018-01-01T11:24:00Z', '2018-01-01T11:24:00.123Z', '1883-05-01T00:00:00.001Z', '9999-12-31'])(
  'the date %s is a timestamp both ways',
  (text) => {
    expect(readBack([new Date(text)])).toEqual([new Date(text)])
  },
)

test('a date that is none is written as JSON does', () => {
  expect(readBack(new Date(Number.NaN))).toBeNull()
})

test('bytes of any kind are written as bytes and read as a Uint8Array of their own', () => {
  const bytes = Buffer.from([1, 2, 3, 4])
  for (const value of [
    bytes,
    new Uint8Array(bytes),
    new Uint8Array(bytes).buffer,
    new DataView(new Uint8Array(bytes).buffer),
  ]) {
    const message = Buffer.from(writeValue({ value }))
    const { value: read } = readValue(message) as { value: Uint8Array }
    expect(Object.getPrototypeOf(read)).toBe(Uint8Array.prototype)
    expect(read).toEqual(new Uint8Array(bytes))
    expect(read.buffer.byteLength).toBe(4)
    message.fill(0)
    expect(read).toEqual(new Uint8Array(bytes))
  }
})

test('extensions that are not known pass through', () => {
  const extension = new ExtData(7, new Uint8Array([1, 2]))
  expect(written([extension])).toBe('91d5070102')
  expect(readBack([extension])).toEqual([extension])
})

test('maps by number are read by name, as in JSON', () => {
  expect(readValue(hex('83 01 a161 ff a162 cf0000000000000005 a163'))).toEqual({ '1': 'a', '-1': 'b', '5': 'c' })
})

test('no property name reaches a prototype', () => {
  expect(() => readValue(hex('81 a95f5f70726f746f5f5f 80'))).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
  const own = readValue(hex('82 ab636f6e7374727563746f72 01 a8746f537472696e67 02')) as object
  expect(Object.entries(own)).toEqual([
    ['constructor', 1],
    ['toString', 2],
  ])
})

test('a property named __proto__, which the JavaScript client takes for an attack, is not written', () => {
  const value: unknown = JSON.parse('{"a":1,"__proto__":{"b":2},"c":{"__proto__":3}}')
  const bytes = Buffer.from(writeValue(value))
  expect(decode(bytes)).toEqual({ a: 1, c: {} })
  expect(Object.keys(value as object)).toEqual(['a', '__proto__', 'c'])
})

test('what one client calls a property says nothing to another', () => {
  readValue(hex('82 a1e2 05 a161 06'))
  expect(readValue(hex('82 a1e2 07 a161 08'))).not.toHaveProperty('\u2161')
  expect(Object.keys(readValue(hex('81 a1e2 07')) as object)).toEqual(
    Object.keys(readValue(hex('81 a1e2 07')) as object),
  )
})

test('a large message leaves no large buffer behind, and a value may write another while it is written', () => {
  const large = writeValue('x'.repeat(1_000_000))
  expect(large.buffer.byteLength).toBeGreaterThanOrEqual(1_000_000)
  const nesting = {
    get text() {
      return Buffer.from(writeValue('inner')).toString('hex')
    },
  }
  expect(readBack(['before', nesting, 'after'])).toEqual(['before', { text: 'a5696e6e6572' }, 'after'])
  expect(writeValue('small').buffer.byteLength).toBeLessThanOrEqual(64 * 1024)
})
