import { openRedis } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import { RateLimiterRedis } from 'rate-limiter-flexible'

/** Counts that all gateways share. Each expires by itself. */
export interface RedisCounts {
  /** False: it has just failed, and whoever asked would only wait. */
  readonly isWorthAsking: boolean
  /** Adds to a count and resolves with its total; the first to add says how long it lives. Undefined: it could not be had. */
  add(key: string, points: number, seconds: number): Promise<number | undefined>
}

export interface OpenedRedisCounts extends RedisCounts, AsyncDisposable {
  /** How often it could not be had. */
  readonly failures: number
}

/** Below a second, after which sign-in has to be answered. */
const COMMAND_TIMEOUT_MS = 500
/** After a failure nobody asks for so long. */
const PAUSE_MS = 1_000
const KEY_PREFIX = 'limit'

/** A connection of its own: what is asked here waits for nothing else, and is given up sooner. */
export async function openRedisCounts(options: { url: string; log: Logger }): Promise<OpenedRedisCounts> {
  const { url, log } = options
  const redis = await openRedis({ url, name: 'gateway-limits', log, commandTimeoutMs: COMMAND_TIMEOUT_MS })
  // It only counts: what is too many is decided by who asks.
  const counter = new RateLimiterRedis({
    storeClient: redis.client,
    keyPrefix: KEY_PREFIX,
    points: Number.MAX_SAFE_INTEGER,
    duration: 1,
    rejectIfRedisNotReady: true,
  })
  let pausedUntilMs = 0
  let failures = 0
  const isWorthAsking = () => redis.available && performance.now() >= pausedUntilMs
  return {
    get isWorthAsking() {
      return isWorthAsking()
    },
    get failures() {
      return failures
    },
    async add(key, points, seconds) {
      try {
        const { consumedPoints } = await counter.consume(key, points, { customDuration: seconds })
        return consumedPoints
      } catch (error) {
        failures += 1
        if (isWorthAsking()) log.warn({ error }, 'limits could not be counted for all gateways')
        pausedUntilMs = performance.now() + PAUSE_MS
        return undefined
      }
    },
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  }
}
