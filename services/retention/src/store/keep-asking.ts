import { setTimeout as delay } from 'node:timers/promises'

const MOST_MS = 60_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000

/**
 * Asks S3 until it answers, for a minute: an export asks it thousands of times, and one answer that fails must not make all of it
 * begin anew. What S3 has understood and refuses is not asked again.
 */
export async function keepAsking<Answer>(ask: () => Promise<Answer>, signal?: AbortSignal): Promise<Answer> {
  const endsAt = performance.now() + MOST_MS
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    signal?.throwIfAborted()
    try {
      return await ask()
    } catch (error) {
      if (isRefused(error) || performance.now() + pauseMs >= endsAt) throw error
      await delay(pauseMs, undefined, signal && { signal })
    }
  }
}

function isRefused(error: unknown): boolean {
  const status = statusOf(error)
  return status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429
}

/** Undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode
}
