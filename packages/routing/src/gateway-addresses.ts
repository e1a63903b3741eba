import { redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'

/** Where other gateways are reached. */
export interface GatewayAddresses {
  /** Undefined if no such gateway has been seen lately. Never throws. */
  of(gatewayId: number): Promise<string | undefined>
}

/** An address read within this time is not read again. */
const FRESH_MS = 1_000
/** Without Redis, or without its lease in an emptied one, a gateway is reached where it was last known to be. */
const REMEMBERED_MS = 10 * 60_000
const REMEMBERED = 1_000

/** The address of an id never changes, so one that is known is used at once and confirmed meanwhile. */
export function findAddresses(redis: RedisConnection, rememberedMs = REMEMBERED_MS): GatewayAddresses {
  /** Those that were confirmed longest ago come first. */
  const known = new Map<number, { readonly address: string; readonly confirmedMs: number }>()
  const reading = new Map<number, Promise<string | undefined>>()

  async function read(gatewayId: number): Promise<string | undefined> {
    // An empty one does not say yet where it is.
    const address = await redis.client.get(redisKeys.lease(gatewayId)).catch(() => null)
    if (!address) return undefined
    known.delete(gatewayId)
    known.set(gatewayId, { address, confirmedMs: performance.now() })
    forget()
    return address
  }

  function forget(): void {
    for (const [gatewayId, { confirmedMs }] of known) {
      if (known.size <= REMEMBERED && performance.now() - confirmedMs < rememberedMs) return
      known.delete(gatewayId)
    }
  }

  function readOnce(gatewayId: number): Promise<string | undefined> {
    const underWay = reading.get(gatewayId)
    if (underWay !== undefined) return underWay
    const started = read(gatewayId).finally(() => reading.delete(gatewayId))
    reading.set(gatewayId, started)
    return started
  }

  return {
    async of(gatewayId) {
      forget()
      const last = known.get(gatewayId)
      if (last === undefined) return readOnce(gatewayId)
      if (performance.now() - last.confirmedMs >= FRESH_MS) void readOnce(gatewayId)
      return last.address
    },
  }
}
