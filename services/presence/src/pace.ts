/** Tests need not wait as long as users may. */
export interface Pace {
  readonly lookEveryMs: number
  readonly beatEveryMs: number
  readonly sweepEveryMs: number
  readonly storeEveryMs: number
  /** How long after its start, or after NATS or Redis was away, nobody is taken for offline. */
  readonly settlingMs: number
  /** How long a gateway may say nothing before its lease decides whether it lives. */
  readonly silentAfterMs: number
}

/** In life. */
export const PACE: Pace = {
  lookEveryMs: 250,
  beatEveryMs: 1_000,
  sweepEveryMs: 1_000,
  storeEveryMs: 5_000,
  settlingMs: 5_000,
  silentAfterMs: 6_000,
}

/** While something is away, a job is tried again at this pace. */
export const RETRY_MS = 1_000
