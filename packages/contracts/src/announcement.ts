import { z } from 'zod'

/** What a gateway says of itself every 2 seconds. */
export const Announcement = z.object({
  /** New at every start of the process, and after a lapsed lease. */
  gatewayId: z.int().min(1),
  /** The epoch of Redis under which its interest is registered. */
  redisEpoch: z.string(),
  /** False while its interest in Redis may not be whole: then it gets every notice and filters by itself. */
  registered: z.boolean(),
})
export type Announcement = z.infer<typeof Announcement>
