import { limits } from '@parley/protocol'
import { z } from 'zod'

const Days = z.int().min(limits.leastRetentionDays).max(limits.mostRetentionDays)

/** Days of 24 hours; null: as the next wider rule says. */
const Periods = z.object({ messageDays: Days.nullable(), fileDays: Days.nullable() })
export type RetentionPeriods = z.infer<typeof Periods>

/** For how long what is said is kept, where a conversation has no periods of its own. */
export const RetentionRules = z.object({
  /** Rises with each change. */
  revision: z.int().min(0),
  default: Periods.extend({ messageDays: Days }),
  direct: Periods,
  group: Periods,
  channel: Periods,
})
export type RetentionRules = z.infer<typeof RetentionRules>
