import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Logger } from '@parley/runtime'
import { JwksClient } from 'jwks-rsa'

export interface SigningKeys {
  /** The key of this id. Undefined when the issuer has no such key; throws when that could not be found out. */
  find(keyId: string): Promise<KeyObject | undefined>
  /** Resolves when there are keys. A health check. */
  check(): Promise<void>
}

const FETCH_TIMEOUT_MS = 5_000
/** An unknown id makes a fetch at most this often, whatever attackers send. */
const REFETCH_EVERY_MS = 30_000
/** While there has never been a key, the issuer is probably still starting. */
const FIRST_FETCH_EVERY_MS = 500

/** The public keys of an issuer: fetched when an unknown id comes, and kept when the issuer is away. */
export function createSigningKeys(options: { jwksUrl: string; log: Logger }): SigningKeys {
  const client = new JwksClient({ jwksUri: options.jwksUrl, cache: false, rateLimit: false, timeout: FETCH_TIMEOUT_MS })
  let keys = new Map<string, KeyObject>()
  let fetchedAt = -Infinity
  let fetching: Promise<void> | undefined

  async function fetchKeys(): Promise<void> {
    fetchedAt = performance.now()
    const fetched = await client.getSigningKeys()
    keys = new Map(fetched.map((key) => [key.kid, createPublicKey(key.getPublicKey())]))
    options.log.info({ keys: keys.size }, 'signing keys fetched')
  }

  async function refresh(): Promise<void> {
    const everyMs = keys.size === 0 ? FIRST_FETCH_EVERY_MS : REFETCH_EVERY_MS
    if (fetching === undefined && performance.now() - fetchedAt >= everyMs) {
      fetching = fetchKeys().finally(() => (fetching = undefined))
    }
    await fetching
  }

  async function check(): Promise<void> {
    if (keys.size === 0) await refresh()
    if (keys.size === 0) throw new Error('no signing key has been fetched yet')
  }

  return {
    check,
    async find(keyId) {
      const known = keys.get(keyId)
      if (known !== undefined) return known
      await refresh()
      await check()
      return keys.get(keyId)
    },
  }
}
