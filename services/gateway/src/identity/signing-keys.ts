import type { Logger } from '@parley/runtime'
import type { Algorithm } from './issuers.ts'
import { NO_KEY_ID, readVerificationKeys, type VerificationKey } from './verification-keys.ts'

/** The public keys of an issuer. */
export interface SigningKeys extends Disposable {
  /**
   * The key of this id, or the only one for a token that names none. Undefined when the issuer has no such key; throws when
   * there are no keys by which that could be said.
   */
  find(keyId: string | undefined): Promise<VerificationKey | undefined>
  /** Resolves when there are keys. A health check. */
  check(): Promise<void>
  /** Since the keys were last had from the issuer; infinite when they never were. */
  readonly ageSeconds: number
}

/** An unknown id makes a fetch at most this often, whatever attackers send. */
const REFETCH_EVERY_MS = 30_000
/** While there is no key, the issuer is probably still starting. */
const FIRST_FETCH_EVERY_MS = 500
/**
 * An issuer that answers without any key that can be used has made a mistake, or has taken all of them back. A mistake must
 * not shut everybody out at once, and who withdraws a key must not be ignored for ever.
 */
const KEPT_WITHOUT_KEYS_MS = 60 * 60_000

/**
 * Fetched when an unknown id comes, and now and then, so that a key that was taken back is not trusted for ever. While the
 * issuer is away the last good ones are kept, for as long as that lasts.
 */
export function openSigningKeys(options: {
  issuer: string
  algorithms: readonly Algorithm[]
  /** Asks the issuer for its key set. */
  fetchKeySet: (signal: AbortSignal) => Promise<unknown>
  refreshEveryMs: number
  log: Logger
  /** Milliseconds that only grow. */
  now: () => number
}): SigningKeys {
  const { issuer, algorithms, fetchKeySet, refreshEveryMs, log, now } = options
  let keys: ReadonlyMap<string, VerificationKey> = new Map()
  let triedAtMs = -Infinity
  let fetchedAtMs = -Infinity
  let withoutKeysSinceMs: number | undefined
  let fetching: Promise<void> | undefined
  const stopping = new AbortController()

  async function fetchKeys(): Promise<void> {
    triedAtMs = now()
    try {
      const fetched = await readVerificationKeys(await fetchKeySet(stopping.signal), algorithms)
      if (fetched.size === 0) goWithout()
      else take(fetched)
    } catch (error) {
      if (!stopping.signal.aborted) log.error({ error, issuer }, 'signing keys could not be fetched')
    }
  }

  function take(fetched: ReadonlyMap<string, VerificationKey>): void {
    const isNew = fetched.size !== keys.size || [...fetched.keys()].some((id) => !keys.has(id))
    keys = fetched
    fetchedAtMs = now()
    withoutKeysSinceMs = undefined
    if (isNew) log.info({ issuer, keys: [...keys.keys()] }, 'signing keys fetched')
  }

  function goWithout(): void {
    withoutKeysSinceMs ??= now()
    if (now() - withoutKeysSinceMs >= KEPT_WITHOUT_KEYS_MS) keys = new Map()
    log.error({ issuer, algorithms, kept: keys.size }, 'the issuer has no signing key that can be used')
  }

  /** Once for all who want it meanwhile, and again `everyMs` after the last try at the earliest. */
  async function refresh(everyMs: number): Promise<void> {
    if (fetching === undefined && now() - triedAtMs >= everyMs && !stopping.signal.aborted) {
      fetching = fetchKeys().finally(() => (fetching = undefined))
    }
    await fetching
  }

  async function check(): Promise<void> {
    if (keys.size === 0) await refresh(FIRST_FETCH_EVERY_MS)
    if (keys.size === 0) throw new Error(`there is no signing key of ${issuer}`)
  }

  function known(keyId: string | undefined): VerificationKey | undefined {
    if (keyId !== undefined) return keyId === NO_KEY_ID ? undefined : keys.get(keyId)
    return keys.size === 1 ? [...keys.values()][0] : undefined
  }

  // `fetchKeys` logs what goes wrong, and rejects never.
  void refresh(0)
  const refreshing = setInterval(() => void refresh(refreshEveryMs / 2), refreshEveryMs)
  return {
    check,
    get ageSeconds() {
      return (now() - fetchedAtMs) / 1_000
    },
    async find(keyId) {
      await check()
      const found = known(keyId)
      if (found !== undefined) return found
      await refresh(REFETCH_EVERY_MS)
      return known(keyId)
    },
    [Symbol.dispose]() {
      clearInterval(refreshing)
      stopping.abort()
    },
  }
}
