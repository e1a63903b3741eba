import { setTimeout as delay } from 'node:timers/promises'

/** A process, or a few that live and die together. */
interface Running extends AsyncDisposable {
  readonly ended: Promise<string>
}

export interface Supervision<Thing extends Running> {
  readonly name: string
  /** Starts it again as it was: on the same port, with the same data. */
  readonly restart: () => Promise<Thing>
  /** Told of each that is running, and of null while none is. */
  readonly onChange: (thing: Thing | null) => void
  readonly say: (line: string) => void
}

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 10_000
/** One that has lived this long is well: its next end is its first again. */
const WELL_AFTER_MS = 30_000

/** Keeps a thing running that is running now: each time it ends it is started again, after a pause that doubles. */
export function supervise<Thing extends Running>(first: Thing, supervision: Supervision<Thing>): AsyncDisposable {
  const { name, restart, onChange, say } = supervision
  const stopping = new AbortController()
  const stopAsked = Promise.withResolvers<string>()
  let ends = 0

  async function keepRunning(): Promise<void> {
    let current: Thing | null = first
    while (current !== null) {
      onChange(current)
      current = await untilNext(current)
    }
  }

  /** Resolves with the one that took its place, or with null when all is to stop. */
  async function untilNext(current: Thing): Promise<Thing | null> {
    const startedAt = performance.now()
    const ending = await Promise.race([current.ended, stopAsked.promise])
    await current[Symbol.asyncDispose]()
    onChange(null)
    if (stopping.signal.aborted) return null
    if (performance.now() - startedAt > WELL_AFTER_MS) ends = 0
    return startAgain(`${name} ended (${ending})`)
  }

  async function startAgain(reason: string): Promise<Thing | null> {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** ends, LONGEST_PAUSE_MS)
    ends += 1
    say(`${reason}; it is started again in ${pauseMs / 1_000} s`)
    await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {})
    if (stopping.signal.aborted) return null
    try {
      return await restart()
    } catch (error) {
      return startAgain(`${name} did not start: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  const kept = keepRunning()
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      stopAsked.resolve('stop')
      await kept
    },
  }
}
