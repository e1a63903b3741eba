import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hubEvents } from '@parley/protocol'
import { decodeDeliveryBatch, encodeDeliveryBatch, type Delivery, type DeliveryBatch } from '@parley/contracts'

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
        visibleFromSequence: fc.maxSafeNat(),
      }),
    ),
  )
  .map(([required, left, membership]): Delivery => ({ ...required, ...left, ...membership }))

const receipts = fc.record(
  {
    topic: fc.uuid().map((id) => `c:${id}`),
    conversationId: fc.uuid(),
    receipts: fc.array(
      fc.record({ userId: fc.uuid(), deliveredSequence: fc.maxSafeNat(), readSequence: fc.maxSafeNat() }),
      { maxLength: 3 },
    ),
    gatherMs: fc.nat(),
    exceptConnectionId: fc.string(),
  },
  { requiredKeys: ['topic', 'conversationId', 'receipts', 'gatherMs'], noNullPrototype: true },
)

const batchOf = (deliveries: fc.ArrayConstraints): fc.Arbitrary<DeliveryBatch> =>
  fc.record({
    senderId: fc.uuid(),
    number: fc.nat(),
    deliveries: fc.array(delivery, deliveries),
    receipts: fc.array(receipts, { maxLength: 5 }),
  })

test('a batch of deliveries is read as it was written, whatever bytes the arguments are', () => {
  fc.assert(
    fc.property(batchOf({ maxLength: 20 }), (batch) => {
      expect(decodeDeliveryBatch(encodeDeliveryBatch(batch))).toEqual(batch)
    }),
  )
})

test('bytes that are not a whole batch are an exception and never a wrong delivery', () => {
  fc.assert(
    fc.property(batchOf({ minLength: 1, maxLength: 5 }), fc.nat(), (batch, seed) => {
      const bytes = encodeDeliveryBatch(batch)
      const { length } = batch.deliveries.at(-1)!.argument
      // Cut off anywhere that matters: in the line, or in an argument.
      if (length > 0) expect(() => decodeDeliveryBatch(bytes.subarray(0, seed % bytes.length))).toThrow()
      expect(() => decodeDeliveryBatch(new Uint8Array([...bytes, 1]))).toThrow()
    }),
  )
})

const heads = ['', '{}', 'null', '[]', '{"deliveries":[null]}', '{"deliveries":[{"length":-1}]}', '{"deliveries":[{}]}']
test.each(['', ...heads.map((head) => `${head}\n`), '{"deliveries":[{"length":"1"}]}\na'])(
  '%j is not a batch',
  (text) => {
    expect(() => decodeDeliveryBatch(new TextEncoder().encode(text))).toThrow()
  },
)
