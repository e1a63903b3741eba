import { randomInt } from 'node:crypto'
import { redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'

/** The right to be taken for alive under one id. An id gets its lease once, when it is made, or never. */
export interface GatewayLease {
  /** 53 bits, so that it is a number everywhere; Redis keeps sets of integers in half the memory. */
  readonly gatewayId: number
  /** By our own clock it can not have run out. */
  readonly stands: boolean
  /** How many ids have had a lease. */
  readonly taken: number
  /** How often a lease was renewed. */
  readonly renewals: number
  /** Whether this is the id, or was one before. */
  wasHeldAs(gatewayId: number): boolean
  /** Takes an id that nobody has used, with a lease of its own. The one before is left to be swept. */
  take(): Promise<void>
  /** Where others reach this gateway. They read it from the lease, from now on and after each `take`. */
  reachableAt(address: string): Promise<void>
  /** `late` if it still stood but was due long ago; `lapsed` is final: take another. */
  renew(): Promise<'renewed' | 'late' | 'lapsed'>
  /** At the end of a gateway that has taken its leave. */
  giveUp(): Promise<void>
}

export function holdLease(redis: RedisConnection, options: { leaseMs: number; renewMs: number }): GatewayLease {
  const { leaseMs, renewMs } = options
  let gatewayId = newGatewayId()
  const held = new Set([gatewayId])
  let address = ''
  let taken = 0
  let renewals = 0
  /** Measured before the command is sent: the lease in Redis ends no earlier than this says. */
  let renewedAt = -Infinity

  async function extend(id: number): Promise<boolean> {
    const [extended] = await redis.pipeline((pipeline) => {
      pipeline.set(redisKeys.lease(id), address, 'PX', leaseMs, 'XX')
      pipeline.sadd(redisKeys.gateways, id)
    })
    return extended === 'OK'
  }

  return {
    get gatewayId() {
      return gatewayId
    },
    get stands() {
      return performance.now() - renewedAt < leaseMs
    },
    get taken() {
      return taken
    },
    get renewals() {
      return renewals
    },
    wasHeldAs: (id) => held.has(id),
    async reachableAt(told) {
      address = told
      // It may stand a little longer than we count on.
      await redis.client.set(redisKeys.lease(gatewayId), address, 'PX', leaseMs, 'XX')
    },
    async take() {
      const before = gatewayId
      const next = newGatewayId()
      held.add(next)
      const at = performance.now()
      await redis.pipeline((pipeline) => {
        pipeline.set(redisKeys.lease(next), address, 'PX', leaseMs)
        pipeline.sadd(redisKeys.gateways, before, next)
      })
      gatewayId = next
      renewedAt = at
      taken++
    },
    async renew() {
      const renewed = gatewayId
      const at = performance.now()
      const since = at - renewedAt
      // Redis decides; but if we were stopped for longer than the lease, others have acted on its end.
      const stood = since < leaseMs && (await extend(renewed))
      if (renewed === gatewayId) renewedAt = stood ? at : -Infinity
      if (!stood) return 'lapsed'
      renewals++
      return since > 2 * renewMs ? 'late' : 'renewed'
    },
    async giveUp() {
      renewedAt = -Infinity
      await redis.client.del(redisKeys.lease(gatewayId))
    },
  }
}

const newGatewayId = (): number => randomInt(1, 2 ** 47) * 64 + randomInt(64)
