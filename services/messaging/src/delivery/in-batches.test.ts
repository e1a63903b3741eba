import type { Delivery } from '@parley/contracts'
import { expect, test } from 'vitest'
import { inBatches } from './in-batches.ts'

const deliveryOf = (bytes: number, version: number): Delivery => ({
  topic: 'c:00000000-0000-4000-8000-000000000000',
  version,
  event: 'MessageCreated',
  argument: new Uint8Array(bytes),
})

test('deliveries stay in order, in batches that are bounded in size', () => {
  const deliveries = [100, 500, 500, 10, 5_000, 10].map(deliveryOf)
  const batches = inBatches(deliveries, 2_000)
  expect(batches.map((batch) => batch.map(({ version }) => version))).toEqual([[0, 1], [2, 3], [4], [5]])
  expect(inBatches([], 2_000)).toEqual([])
})
