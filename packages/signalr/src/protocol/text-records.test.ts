import { expect, test } from 'vitest'
import { TextRecords } from './text-records.ts'

function all(records: TextRecords): string[] {
  const list: string[] = []
  for (let record = records.next(); record !== undefined; record = records.next()) list.push(record.toString())
  return list
}

test('records are found wherever the bytes are cut', () => {
  const bytes = Buffer.from('première\u001e\u001e漢字 👋\u001elast')
  for (let size = 1; size <= bytes.length; size++) {
    const records = new TextRecords(100)
    const found: string[] = []
    for (let start = 0; start < bytes.length; start += size) {
      records.push(bytes.subarray(start, start + size))
      found.push(...all(records))
    }
    expect(found).toEqual(['première', '', '漢字 👋'])
    records.push(Buffer.from('\u001e'))
    expect(all(records)).toEqual(['last'])
  }
})

test('what was pushed while nobody read is read later, in order', () => {
  const records = new TextRecords(100)
  for (const text of ['a', 'b\u001ec', '', '\u001ed\u001e', 'e']) records.push(Buffer.from(text))
  expect(all(records)).toEqual(['ab', 'c', 'd'])
})

test('what was not read yet can be taken away', () => {
  const records = new TextRecords(100)
  records.push(Buffer.from('hello\u001erest\u001ein'))
  records.push(Buffer.from(' part'))
  expect(records.next()?.toString()).toBe('hello')
  expect(Buffer.concat(records.takeRest()).toString()).toBe('rest\u001ein part')
  expect(records.next()).toBeUndefined()
})

test('a record may have just the allowed bytes, its separator included', () => {
  const records = new TextRecords(5)
  records.push(Buffer.from('abcd\u001e'))
  records.push(Buffer.from('ab'))
  records.push(Buffer.from('cd'))
  expect(all(records)).toEqual(['abcd'])
  records.push(Buffer.from('e'))
  expect(() => records.next()).toThrow('The maximum message size of 5B was exceeded.')
})

test('a record in single bytes takes time in proportion to its length', () => {
  const records = new TextRecords(1_000_000)
  const byte = Buffer.from('x')
  for (let count = 0; count < 500_000; count++) {
    records.push(byte)
    records.next()
  }
  records.push(Buffer.from('\u001e'))
  expect(records.next()).toHaveLength(500_000)
})

test('many small pieces that nobody read take time in proportion to their number', () => {
  const records = new TextRecords(1_000_000)
  const byte = Buffer.from('x')
  for (let count = 0; count < 500_000; count++) records.push(byte)
  records.push(Buffer.from('\u001e'))
  expect(records.next()).toHaveLength(500_000)
})
