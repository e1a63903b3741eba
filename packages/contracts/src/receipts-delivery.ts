import { ConversationId, Receipt } from '@parley/protocol'
import { z } from 'zod'
import { Topic } from './topic.ts'

/** Watermarks that have risen, on their way. They have no version: the highest counts. */
export const ReceiptsDelivery = z.object({
  /** A conversation's, for its members; a user's, for the user's other devices. */
  topic: Topic,
  conversationId: ConversationId,
  receipts: z.array(Receipt),
  /** How long a gateway gathers before it tells, in milliseconds: 0 for at once. */
  gatherMs: z.int().min(0),
  /** The connection that marked them, which knows. */
  exceptConnectionId: z.string().optional(),
})
export type ReceiptsDelivery = z.infer<typeof ReceiptsDelivery>
