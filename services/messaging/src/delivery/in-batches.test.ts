import type { Delivery, ReceiptsDelivery } from '@parley/contracts'
import { expect, test } from 'vitest'
import { inBatches } from './in-batches.ts'

const deliveryOf = (bytes: number, version: number): Delivery => ({
  topic: 'c:00000000-0000-4000-8000-000000000000',
  version,
  event: 'MessageCreated',
  argument: new Uint8Array(bytes),
})

const receiptsOf = (count: number): ReceiptsDelivery => ({
  topic: 'c:00000000-0000-4000-8000-000000000000',
  conversationId: '00000000-0000-4000-8000-000000000000',
  receipts: Array.from({ length: count }, () => ({ userId: '', deliveredSequence: 1, readSequence: 1 })),
  gatherMs: 0,
})

test('deliveries stay in order, in batches that are bounded in size', () => {
  const deliveries = [100, 500, 500, 10, 5_000, 10].map(deliveryOf)
  const batches = inBatches({ deliveries, receipts: [] }, 2_000)
  expect(batches.map((batch) => batch.deliveries.map(({ version }) => version))).toEqual([[0, 1], [2, 3], [4], [5]])
  expect(inBatches({ deliveries: [], receipts: [] }, 2_000)).toEqual([])
})

test('receipts travel with them where there is room', () => {
  const receipts = [receiptsOf(1), receiptsOf(10)]
  const batches = inBatches({ deliveries: [deliveryOf(100, 1)], receipts }, 2_000)
  expect(batches.map((batch) => [batch.deliveries.length, batch.receipts.length])).toEqual([
    [1, 1],
    [0, 1],
  ])
})
