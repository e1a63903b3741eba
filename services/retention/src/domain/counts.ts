import type { Counts } from '@parley/contracts'

/** Both together, each thing for itself. */
export function withCounts(some: Counts, more: Counts): Counts {
  const sum = { ...some }
  for (const [thing, count] of Object.entries(more)) sum[thing] = (sum[thing] ?? 0) + count
  return sum
}
