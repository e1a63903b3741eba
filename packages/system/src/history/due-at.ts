import type { Fault } from './recording.ts'

/** How soon what was acknowledged has reached those who are connected. */
const WITHOUT_FAULT_MS = 2_000
const AFTER_HEAL_MS = 30_000

/** Until when what happened at a time must have reached everybody. For ever, while a fault lasts. */
export function dueAt(happenedAt: number, faults: readonly Fault[]): number {
  const due = happenedAt + WITHOUT_FAULT_MS
  const troubled = faults
    .map(({ beganAt, healedAt }) => ({ beganAt, until: (healedAt ?? Infinity) + AFTER_HEAL_MS }))
    .filter(({ beganAt, until }) => beganAt <= due && until >= happenedAt)
  return Math.max(due, ...troubled.map(({ until }) => until))
}
