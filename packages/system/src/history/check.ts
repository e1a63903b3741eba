import type { Evidence, Invariant, Violations } from './evidence.ts'
import { checkCatchUp } from './invariants/catch-up.ts'
import { checkConvergence } from './invariants/convergence.ts'
import { checkDelivery } from './invariants/delivery.ts'
import { checkFreshState } from './invariants/fresh-state.ts'
import { checkGapless } from './invariants/gapless.ts'
import { checkMembership } from './invariants/membership.ts'
import { checkNoInvention } from './invariants/no-invention.ts'
import { checkNoLoss } from './invariants/no-loss.ts'
import { checkOnce } from './invariants/once.ts'
import { checkRealTimeOrder } from './invariants/real-time-order.ts'
import { checkReceipts } from './invariants/receipts.ts'
import { checkUnacknowledged } from './invariants/unacknowledged.ts'

/** What must hold whatever happens. */
export const invariants = {
  'I1 no loss': checkNoLoss,
  'I2 no invention': checkNoInvention,
  'I3 once': checkOnce,
  'I4 gapless': checkGapless,
  'I5 real-time order': checkRealTimeOrder,
  'I6 delivery': checkDelivery,
  'I7 catch-up': checkCatchUp,
  'I8 unacknowledged': checkUnacknowledged,
  'I9 receipts': checkReceipts,
  'I10 convergence': checkConvergence,
  'I12 membership': checkMembership,
  'fresh state': checkFreshState,
} as const satisfies Readonly<Record<string, Invariant>>

export type InvariantName = keyof typeof invariants

/** The invariants that do not hold, and why; empty when all do. */
export function check(evidence: Evidence): Partial<Record<InvariantName, Violations>> {
  const judged = Object.entries(invariants).map(([name, judge]) => [name, judge(evidence)] as const)
  return Object.fromEntries(judged.filter(([, violations]) => violations.length > 0))
}
