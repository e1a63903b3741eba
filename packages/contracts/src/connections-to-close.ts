import { hubEvents } from '@parley/protocol'
import { z } from 'zod'

/** Connections that one gateway is asked by another to close for good. Those it does not have are gone already. */
export const ConnectionsToClose = z.object({
  connectionIds: z.array(z.string()).min(1),
  reason: hubEvents.SessionEnding.shape.reason,
})
export type ConnectionsToClose = z.infer<typeof ConnectionsToClose>
