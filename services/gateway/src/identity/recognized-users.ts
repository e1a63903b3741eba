import { must } from '@parley/bus'
import { refuse, type auth, type ReplyOf, type RequestOf } from '@parley/contracts'
import type { Logger } from '@parley/runtime'
import type { Calls } from '../calls-over.ts'

type Calling = (typeof auth)['calls']['recognizeUser']
type Recognized = ReplyOf<Calling>

/** Users of external issuers, as `auth` knows them. */
export interface RecognizedUsers {
  /** Throws `unavailable` when it cannot be told who it is. */
  recognize(bearer: RequestOf<Calling>): Promise<Recognized>
}

/** So often `auth` hears that a session is still used. Who its user is does not change. */
const TELL_EVERY_MS = 10 * 60_000
/** When it has not answered. */
const RETRY_EVERY_MS = 10_000
/** Nobody is believed for longer without `auth`: tokens live no longer. */
const KNOWN_FOR_MS = 24 * 60 * 60_000
const MAX_REMEMBERED = 100_000

interface Known {
  readonly recognized: Recognized
  readonly atMs: number
  readonly tellAtMs: number
}

/**
 * Remembers them, so that only those who are new here wait for `auth`, and need it. Of many requests for one at the same
 * time one asks.
 */
export function recognizeUsers(
  calls: Pick<Calls['auth'], 'recognizeUser'>,
  { log, now }: { log: Logger; now: () => number },
): RecognizedUsers {
  /** The least recently used first. */
  const remembered = new Map<string, Known>()
  const asking = new Map<string, Promise<Recognized>>()

  function ask(key: string, bearer: RequestOf<Calling>): Promise<Recognized> {
    const answer = asking.get(key) ?? askAuth(key, bearer).finally(() => asking.delete(key))
    asking.set(key, answer)
    return answer
  }

  async function askAuth(key: string, bearer: RequestOf<Calling>): Promise<Recognized> {
    try {
      const recognized = must(await calls.recognizeUser(bearer))
      remember(key, { recognized, atMs: now(), tellAtMs: now() + TELL_EVERY_MS })
      return recognized
    } catch (error) {
      log.error({ error, issuer: bearer.issuer }, 'auth could not recognize a user')
      throw refuse.unavailable()
    }
  }

  function remember(key: string, known: Known): void {
    remembered.delete(key)
    remembered.set(key, known)
    const [oldest] = remembered.keys()
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
  }

  return {
    async recognize(bearer) {
      const key = JSON.stringify([bearer.issuer, bearer.subject, bearer.session])
      const known = remembered.get(key)
      if (known === undefined || now() - known.atMs >= KNOWN_FOR_MS) return ask(key, bearer)
      const isDue = now() >= known.tellAtMs
      remember(key, isDue ? { ...known, tellAtMs: now() + RETRY_EVERY_MS } : known)
      // That it failed has been logged, and changes nothing for who is known.
      if (isDue) void ask(key, bearer).catch(() => undefined)
      return known.recognized
    },
  }
}
