export const ATTEMPTS = 2
export const REQUEST_TIMEOUT_MS = 4_000
/** S3 copies and joins by itself, which may take longer than a caller waits: its next attempt then finds it done. */
export const LONG_REQUEST_TIMEOUT_MS = 60_000

/** For each attempt until S3 begins to answer, and for all of them until the whole answer is here. */
export function within(timeoutMs: number): { requestTimeout: number; abortSignal: AbortSignal } {
  return { requestTimeout: timeoutMs, abortSignal: AbortSignal.timeout((ATTEMPTS + 1) * timeoutMs) }
}
