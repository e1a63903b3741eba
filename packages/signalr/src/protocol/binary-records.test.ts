import { expect, test } from 'vitest'
import { BinaryRecords, prefixLengthOf, writePrefix } from './binary-records.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

function framed(body: Buffer): Buffer {
  const record = Buffer.alloc(prefixLengthOf(body.length) + body.length)
  body.copy(record, writePrefix(record, 0, body.length))
  return record
}

function all(records: BinaryRecords): string[] {
  const list: string[] = []
  for (let record = records.next(); record !== undefined; record = records.next()) list.push(record.toString('latin1'))
  return list
}

test.each([
  ['00', 0],
  ['35', 53],
  ['7f', 127],
  ['8001', 128],
  ['8029', 5_248],
  ['ff7f', 16_383],
  ['808001', 16_384],
  ['ffffffff07', 0x7fff_ffff],
])('the prefix %s says %i', (prefix, length) => {
  const written = Buffer.alloc(prefixLengthOf(length))
  expect(writePrefix(written, 0, length)).toBe(written.length)
  expect(written).toEqual(hex(prefix))
})

test('records are found wherever the bytes are cut', () => {
  const bodies = ['', 'a', 'x'.repeat(127), '', 'y'.repeat(300)]
  const bytes = Buffer.concat(bodies.map((body) => framed(Buffer.from(body))))
  for (let size = 1; size <= bytes.length; size++) {
    const records = new BinaryRecords(1_000)
    const found: string[] = []
    for (let start = 0; start < bytes.length; start += size) {
      records.push(bytes.subarray(start, start + size))
      found.push(...all(records))
    }
    expect(found).toEqual(bodies)
  }
})

test('what was pushed while nobody read is read later, in order', () => {
  const records = new BinaryRecords(100)
  for (const chunk of ['03', '6162', '6301', '', '64', '0165']) records.push(hex(chunk))
  expect(all(records)).toEqual(['abc', 'd', 'e'])
})

test('a record may have just the allowed bytes, its prefix included', () => {
  const records = new BinaryRecords(5)
  records.push(hex('0461626364'))
  expect(all(records)).toEqual(['abcd'])
  records.push(hex('05'))
  expect(() => records.next()).toThrow('The maximum message size of 5B was exceeded.')
})

test('a record that is too large is refused by its prefix alone, and as soon as that says too much', () => {
  for (const prefix of ['ffffffff07', '8080808008', 'ff ff']) {
    const records = new BinaryRecords(1_000)
    records.push(hex(prefix))
    expect(() => records.next()).toThrow(expect.objectContaining({ name: 'MessageTooLargeError' }))
  }
})

test.each(['8080808008', '808080808000', 'ffffffffff'])(
  'the prefix %s cannot be read, whatever is allowed',
  (prefix) => {
    const records = new BinaryRecords(Infinity)
    records.push(hex(prefix))
    expect(() => records.next()).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
  },
)

test.each(['', '80', '80808080', '0200'])('%s is not complete yet', (bytes) => {
  const records = new BinaryRecords(Infinity)
  records.push(hex(bytes))
  expect(records.next()).toBeUndefined()
})

test('a length that is only promised costs no memory', () => {
  const before = process.memoryUsage().arrayBuffers
  const waiting = Array.from({ length: 100 }, () => {
    const records = new BinaryRecords(0x7fff_ffff)
    records.push(hex('ffffff7f 00'))
    expect(records.next()).toBeUndefined()
    return records
  })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
  expect(waiting).toHaveLength(100)
})

test('a record in single bytes takes time in proportion to its length, read at once or later', () => {
  const bytes = framed(Buffer.alloc(500_000, 'x'))
  const atOnce = new BinaryRecords(1_000_000)
  const later = new BinaryRecords(1_000_000)
  for (let index = 0; index < bytes.length - 1; index++) {
    const byte = bytes.subarray(index, index + 1)
    atOnce.push(byte)
    later.push(byte)
    atOnce.next()
  }
  for (const records of [atOnce, later]) {
    records.push(Buffer.from('x'))
    expect(records.next()).toHaveLength(500_000)
  }
})

test('a record that was gathered is given away: the next one is gathered elsewhere', () => {
  const records = new BinaryRecords(100)
  const [first, second] = ['0361 6263', '0364 6566'].map((pieces) => {
    for (const piece of pieces.split(' ')) records.push(hex(piece))
    return records.next()
  })
  expect([String(first), String(second)]).toEqual(['abc', 'def'])
})
