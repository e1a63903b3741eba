import { refusals, type Refusal } from '@parley/protocol'

/** After how many whole seconds it is worth asking again; undefined if that will not help. */
export function retryAfterOf(refusal: Refusal): number | undefined {
  if ('retryAfterMs' in refusal.data) return Math.max(1, Math.ceil(Number(refusal.data.retryAfterMs) / 1_000))
  return refusals[refusal.code].status === 503 ? 1 : undefined
}
