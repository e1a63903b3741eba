import type { Message, Receipt } from '@parley/protocol'

export type Receipts = ReadonlyMap<string, Receipt>

/** Marks only rise. Who has read a message has it. */
export function withReceipts(receipts: Receipts, told: readonly Receipt[]): Receipts {
  const risen = new Map(receipts)
  let hasRisen = false
  for (const { userId, deliveredSequence, readSequence } of told) {
    const known = risen.get(userId)
    const read = Math.max(known?.readSequence ?? 0, readSequence)
    const delivered = Math.max(known?.deliveredSequence ?? 0, deliveredSequence, read)
    if (known?.readSequence === read && known.deliveredSequence === delivered) continue
    risen.set(userId, { userId, deliveredSequence: delivered, readSequence: read })
    hasRisen = true
  }
  return hasRisen ? risen : receipts
}

/** Who sends has read what was said before. Others are not told of it, so this is for the own messages alone. */
export function ownReceipts(messages: readonly Message[], userId: string | undefined): Receipt[] {
  const last = messages.reduce(
    (most, { senderId, sequence }) => (senderId === userId ? Math.max(most, sequence) : most),
    0,
  )
  if (last === 0 || userId === undefined) return []
  return [{ userId, deliveredSequence: last, readSequence: last }]
}
