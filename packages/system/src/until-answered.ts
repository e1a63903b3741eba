import { setTimeout as delay } from 'node:timers/promises'
import { RefusedError } from '@parley/client'
import { refusals } from '@parley/protocol'

/** How long a client goes on trying. */
const PATIENCE_MS = 60_000
const PAUSE_MS = 100
/** After these what was asked for may have been done. */
const IN_DOUBT = ['unavailable', 'internal']
/** After these a client tries again. */
const WORTH_RETRYING = [...IN_DOUBT, 'overloaded']

/** The code with which the hub, or the SDK, refused for certain; undefined when it is not known what became of what was asked for. */
export function refusalOf(error: unknown): string | undefined {
  const [, said = ''] = /^(\w+): /.exec(error instanceof Error ? error.message : '') ?? []
  const code = error instanceof RefusedError ? error.code : said
  return code in refusals && !IN_DOUBT.includes(code) ? code : undefined
}

/** Asks until there is an answer that will not change, as a good client does. */
export async function untilAnswered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const endsAt = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const code = refusalOf(error)
      if (code !== undefined && !WORTH_RETRYING.includes(code)) throw error
      if (performance.now() > endsAt) throw error
      await delay(PAUSE_MS)
    }
  }
}
