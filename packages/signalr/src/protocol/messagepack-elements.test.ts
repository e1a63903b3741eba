import { decode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { elementsOf } from './messagepack-elements.ts'
import { ProtocolError } from './protocol-error.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const cut = (bytes: Buffer, levels = 100) =>
  elementsOf(bytes, { nestingDepth: levels, messageValues: 1_000 }).elements.map((element) => element.toString('hex'))

test.each([
  ['90', []],
  ['91 90', ['90']],
  ['93 01 92 02 03 04', ['01', '920203', '04']],
  ['92 82 a1 61 01 a1 62 80 c0', ['82a16101a16280', 'c0']],
  ['dc 0002 7f e0', ['7f', 'e0']],
  ['dd 00000001 c3', ['c3']],
  [
    '95 cc01 cd0001 ce00000001 cf0000000000000001 ca00000000',
    ['cc01', 'cd0001', 'ce00000001', 'cf0000000000000001', 'ca00000000'],
  ],
  [
    '95 d001 d10001 d200000001 d30000000000000001 cb0000000000000000',
    ['d001', 'd10001', 'd200000001', 'd30000000000000001', 'cb0000000000000000'],
  ],
  ['94 a161 d90161 da000161 db0000000161', ['a161', 'd90161', 'da000161', 'db0000000161']],
  ['93 c40100 c5000100 c60000000100', ['c40100', 'c5000100', 'c60000000100']],
  ['93 c70105ff c8000105ff c90000000105ff', ['c70105ff', 'c8000105ff', 'c90000000105ff']],
  [
    '94 d40500 d5050000 d60500000000 d7050000000000000000',
    ['d40500', 'd5050000', 'd60500000000', 'd7050000000000000000'],
  ],
  ['91 d805' + '00'.repeat(16), ['d805' + '00'.repeat(16)]],
  ['92 de0001 01 02 df00000001 01 02', ['de00010102', 'df000000010102']],
])('%s is cut into its elements', (bytes, elements) => {
  expect(cut(hex(bytes))).toEqual(elements)
})

test('only the first six elements are kept', () => {
  expect(cut(hex('dc 0008 00 01 02 03 04 05 06 07'))).toEqual(['00', '01', '02', '03', '04', '05'])
})

test.each([
  ['', 'not an array'],
  ['80', 'not an array'],
  ['c0', 'not an array'],
  ['91', 'cut short'],
  ['92 01', 'cut short'],
  ['dc', 'cut short'],
  ['dd 000000', 'cut short'],
  ['91 81 a161', 'cut short'],
  ['91 d9', 'cut short'],
  ['91 d902 61', 'cut short'],
  ['91 dbffffffff 61', 'cut short'],
  ['91 c6ffffffff 61', 'cut short'],
  ['91 c9ffffffff 61', 'cut short'],
  ['91 ddffffffff 00', 'cut short'],
  ['91 dfffffffff 00 00', 'cut short'],
  ['91 d4 05', 'cut short'],
  ['91 cb 00', 'cut short'],
  ['91 c1', 'not MessagePack'],
  ['90 00', 'more than one value'],
  ['91 01 01', 'more than one value'],
])('%s is refused: %s', (bytes, why) => {
  expect(() => elementsOf(hex(bytes), { nestingDepth: 100, messageValues: 1_000 })).toThrow(
    expect.objectContaining({ name: 'ProtocolError' }),
  )
  expect(() => elementsOf(hex(bytes), { nestingDepth: 100, messageValues: 1_000 })).toThrow(why)
})

test.each([
  ['90', 1],
  ['91 90', 2],
  ['91 80', 2],
  ['92 01 81 a161 91 c0', 3],
  ['93 90 90 91 90', 3],
  ['91 81 91 90 00', 4],
])('%s has %i levels', (bytes, levels) => {
  expect(() => elementsOf(hex(bytes), { nestingDepth: levels, messageValues: 1_000 })).not.toThrow()
  expect(() => elementsOf(hex(bytes), { nestingDepth: levels - 1, messageValues: 1_000 })).toThrow(
    `nested deeper than ${levels - 1} levels`,
  )
})

test('100,000 levels are refused in no time, and read in little where they are allowed', () => {
  const deep = Buffer.concat([Buffer.alloc(100_000, 0x91), Buffer.of(0xc0)])
  const startMs = performance.now()
  for (let count = 0; count < 1_000; count++)
    expect(() => elementsOf(deep, { nestingDepth: 32, messageValues: 1_000_000 })).toThrow('nested deeper')
  expect(elementsOf(deep, { nestingDepth: 200_000, messageValues: 1_000_000 }).elements).toHaveLength(1)
  expect(performance.now() - startMs).toBeLessThan(5_000)
})

test('bytes are cut into elements that make up the message, or the decoder cannot read them either', () => {
  const bytes = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((list) => Buffer.of(0x90 | (list[0]! & 0x0f), ...list))
  fc.assert(
    fc.property(bytes, (message) => {
      let elements: Buffer[]
      try {
        elements = elementsOf(message, { nestingDepth: 50, messageValues: 1_000 }).elements
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
        expect(() => decode(message)).toThrow()
        return
      }
      expect(Buffer.concat(elements)).toEqual(message.subarray(1, 1 + Buffer.concat(elements).length))
      if (message[0]! <= 0x96) expect(elements).toHaveLength(message[0]! & 0x0f)
    }),
    { numRuns: 5_000 },
  )
})
