import type { Delivery } from '@parley/contracts'
import { MAX_PAGE_BYTES } from '../domain/page.ts'

/** Of a delivery besides its argument, at most: topic, version, event, and whose membership it changes. */
const HEADER_BYTES = 350

/** As few batches as can be, each bounded in size, all deliveries in order. */
export function inBatches(deliveries: readonly Delivery[], maxBytes: number = MAX_PAGE_BYTES): Delivery[][] {
  const batches: Delivery[][] = []
  let bytes = Infinity
  for (const delivery of deliveries) {
    const size = HEADER_BYTES + delivery.argument.length
    if (bytes + size > maxBytes) {
      batches.push([])
      bytes = 0
    }
    batches.at(-1)!.push(delivery)
    bytes += size
  }
  return batches
}
