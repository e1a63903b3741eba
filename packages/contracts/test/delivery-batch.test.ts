import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hubEvents } from '@parley/protocol'
import { decodeDeliveries, encodeDeliveries, type Delivery } from '@parley/contracts'

const optional = <Key extends string, Value>(key: Key, value: fc.Arbitrary<Value>) =>
  fc.option(
    value.map((present) => ({ [key]: present }) as Record<Key, Value>),
    { nil: {} },
  )

const delivery = fc
  .tuple(
    fc.record({
      topic: fc.uuid().map((id) => `c:${id}`),
      version: fc.maxSafeNat(),
      event: fc.constantFrom(...(Object.keys(hubEvents) as (keyof typeof hubEvents)[])),
      argument: fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.json().map((json) => new TextEncoder().encode(json)),
      ),
    }),
    optional('left', fc.uuid()),
    optional(
      'membership',
      fc.record({
        conversationId: fc.uuid(),
        joinedVersion: fc.maxSafeNat(),
        leftVersion: fc.option(fc.maxSafeNat()),
      }),
    ),
  )
  .map(([required, left, membership]): Delivery => ({ ...required, ...left, ...membership }))

test('a batch of deliveries is read as it was written, whatever bytes the arguments are', () => {
  fc.assert(
    fc.property(fc.array(delivery, { maxLength: 20 }), (deliveries) => {
      expect(decodeDeliveries(encodeDeliveries(deliveries))).toEqual(deliveries)
    }),
  )
})

test('bytes that are not a whole batch are an exception and never a wrong delivery', () => {
  fc.assert(
    fc.property(fc.array(delivery, { minLength: 1, maxLength: 5 }), fc.nat(), (deliveries, seed) => {
      const bytes = encodeDeliveries(deliveries)
      expect(() => decodeDeliveries(bytes.subarray(0, seed % bytes.length))).toThrow()
      expect(() => decodeDeliveries(new Uint8Array([...bytes, 1]))).toThrow()
    }),
  )
})

test.each(['', '\n', '{}\n', 'null\n', '[null]\n', '[{"length":-1}]\n', '[{"length":"1"}]\na', '[{}]\n'])(
  '%j is not a batch',
  (text) => {
    expect(() => decodeDeliveries(new TextEncoder().encode(text))).toThrow()
  },
)
