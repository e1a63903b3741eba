import { UserId } from '@parley/protocol'
import { z } from 'zod'

/** Who asks. The gateway has verified it; only the gateway may publish to subjects that carry one. */
export const Actor = z.object({
  userId: UserId,
  scopes: z.array(z.string()),
  /** The sign-in that their token comes from, where it names one. */
  sessionId: z.string().optional(),
})
export type Actor = z.infer<typeof Actor>
