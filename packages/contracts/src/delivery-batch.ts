import type { TopicChange } from './messaging.ts'
import type { ReceiptsDelivery } from './receipts-delivery.ts'
import type { Topic } from './topic.ts'

/** One change for the connections of a topic: a `TopicChange` on its way. */
export interface Delivery extends Omit<TopicChange, 'argument'> {
  readonly topic: Topic
  /** The event's argument, already encoded as JSON: a gateway splices it into a hub frame without parsing it. */
  readonly argument: Uint8Array
}

/** What one notice carries. */
export interface DeliveryBatch {
  /** Who sends, new at every start of a process. */
  readonly senderId: string
  /** Counts this sender's batches to this gateway from 1. One without deliveries repeats the last number. */
  readonly number: number
  readonly deliveries: readonly Delivery[]
  readonly receipts: readonly ReceiptsDelivery[]
}

interface Header extends Omit<Delivery, 'argument'> {
  /** Bytes of the argument. */
  readonly length: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const LINE_FEED = 0x0a

/** A line of JSON that describes the batch, then the arguments of its deliveries one after another. */
export function encodeDeliveryBatch({ deliveries, ...batch }: DeliveryBatch): Uint8Array {
  const headers = deliveries.map(({ argument, ...rest }): Header => ({ ...rest, length: argument.length }))
  const head = encoder.encode(`${JSON.stringify({ ...batch, deliveries: headers })}\n`)
  const bytes = new Uint8Array(deliveries.reduce((total, { argument }) => total + argument.length, head.length))
  bytes.set(head)
  let offset = head.length
  for (const { argument } of deliveries) {
    bytes.set(argument, offset)
    offset += argument.length
  }
  return bytes
}

/** The inverse. Arguments are views of `bytes`, not copies. Throws on bytes that are not a batch. */
export function decodeDeliveryBatch(bytes: Uint8Array): DeliveryBatch {
  const end = bytes.indexOf(LINE_FEED)
  if (end < 0) throw new TypeError('not a batch of deliveries')
  const head = JSON.parse(decoder.decode(bytes.subarray(0, end))) as Omit<DeliveryBatch, 'deliveries'> & {
    readonly deliveries: readonly Header[]
  }
  let offset = end + 1
  const deliveries = head.deliveries.map(({ length, ...rest }) => {
    const argument = bytes.subarray(offset, offset + length)
    offset += length
    return { ...rest, argument }
  })
  if (offset !== bytes.length) throw new TypeError('a batch of deliveries has the wrong length')
  return { ...head, deliveries }
}
