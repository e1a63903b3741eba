import { MAX_PAGE_BYTES } from '../domain/page.ts'
import type { Notice } from './numbered-notices.ts'

/** Of a delivery besides its argument, at most: topic, version, event, and whose membership it changes. */
const HEADER_BYTES = 400
const BYTES_PER_RECEIPT = 120

/** As few notices as can be, each bounded in size, all deliveries in order. Nothing makes none. */
export function inBatches({ deliveries, receipts }: Notice, maxBytes: number = MAX_PAGE_BYTES): Notice[] {
  const batches: { deliveries: Notice['deliveries'][number][]; receipts: Notice['receipts'][number][] }[] = []
  let bytes = Infinity
  function batchFor(size: number): (typeof batches)[number] {
    if (bytes + size > maxBytes) {
      batches.push({ deliveries: [], receipts: [] })
      bytes = 0
    }
    bytes += size
    return batches.at(-1)!
  }
  for (const delivery of deliveries) batchFor(HEADER_BYTES + delivery.argument.length).deliveries.push(delivery)
  for (const advance of receipts) {
    batchFor(HEADER_BYTES + BYTES_PER_RECEIPT * advance.receipts.length).receipts.push(advance)
  }
  return batches
}
