import { conversationTopic, userTopic, type ReceiptsDelivery } from '@parley/contracts'
import type { Change } from '../domain/change.ts'

/** What clients are told of watermarks: the conversation's members of those they may know, and each user's devices of their own. */
export function receiptsOf(change: Change): ReceiptsDelivery[] {
  if (change.kind !== 'receipts-advanced') return []
  const { conversationId, gatherMs, shown, own } = change
  const personal = own.map(({ connectionId, ...receipt }) => ({
    topic: userTopic(receipt.userId),
    conversationId,
    receipts: [receipt],
    gatherMs: 0,
    ...(connectionId !== null && { exceptConnectionId: connectionId }),
  }))
  if (gatherMs === null || shown.length === 0) return personal
  return [{ topic: conversationTopic(conversationId), conversationId, receipts: [...shown], gatherMs }, ...personal]
}
