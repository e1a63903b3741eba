import { UserId } from '@parley/protocol'
import { z } from 'zod'

/** Who asks. The gateway has verified it; only the gateway may publish to subjects that carry one. */
export const Actor = z.object({ userId: UserId, scopes: z.array(z.string()) })
export type Actor = z.infer<typeof Actor>
