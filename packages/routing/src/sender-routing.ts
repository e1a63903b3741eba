import type { Logger } from '@parley/runtime'
import { hearGateways } from './announced-gateways.ts'
import type { Announcement } from './announcement.ts'
import { epochOfBucket } from './epochs.ts'
import { watchLeases } from './live-leases.ts'
import { bucketOf, redisKeys } from './redis-keys.ts'
import { openRedis } from './redis.ts'

/** Knows which gateways must hear of a topic. In any doubt it names more of them, never fewer. */
export interface SenderRouting extends AsyncDisposable {
  /** To be called with every announcement of a gateway. */
  hear(announcement: Announcement): void
  /** Announcements may have been missed (NATS was away): believe only those that come from now on. */
  distrust(): void
  /**
   * Whether every gateway has had the time to announce itself. Until then what is sent should be sent again: a gateway that is
   * not registered in Redis may not be known yet.
   */
  readonly hasHeardAll: boolean
  /** All that live, as far as is known. */
  gateways(): number[]
  /** By gateway, those of the topics it must hear of. Never throws: while Redis is away, everything goes to all gateways. */
  gatewaysOf(topics: readonly string[]): Promise<Map<number, string[]>>
  /** Resolves when Redis answers. A health check. */
  check(): Promise<void>
}

/** A sender that has just started, or lost Redis, has not heard all gateways yet: it sends to all that it hears of. */
const SETTLING_MS = 5_000
/** A gateway announces itself every 2 seconds. */
const ROUND_MS = 2_500
/** After Redis did not answer, it is not asked for so long: each message would wait for the time-out. */
const PAUSE_AFTER_FAILURE_MS = 1_000
const COMMAND_TIMEOUT_MS = 500
/** A gateway that says it is registered is believed for two announcements and a half. */
const BELIEVED_FOR_MS = 5_000

interface Interest {
  readonly epochs: ReadonlyMap<number, string | null>
  readonly gateways: ReadonlyMap<string, readonly number[]>
}

export async function openSenderRouting(options: {
  url: string
  log: Logger
  settlingMs?: number
  /** How long a gateway may say nothing before its lease decides whether it lives. */
  silentAfterMs?: number
  commandTimeoutMs?: number
}): Promise<SenderRouting> {
  const { log } = options
  const settlingMs = options.settlingMs ?? SETTLING_MS
  const commandTimeoutMs = options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS
  const redis = await openRedis({ url: options.url, name: 'sender-routing', log, commandTimeoutMs })
  const leases = watchLeases(redis)
  const announced = hearGateways(options.silentAfterMs)
  const removals = new Set<Promise<void>>()
  let settledAt = performance.now() + settlingMs
  let askAgainAt = 0
  let heardAllAt = performance.now() + ROUND_MS

  // What a restarted Redis has brought back may be older than its epoch.
  redis.onAvailable(() => (settledAt = performance.now() + settlingMs))

  async function gatewaysOf(named: readonly string[]): Promise<Map<number, string[]>> {
    const topics = [...new Set(named)]
    if (topics.length === 0) return new Map()
    if (!redis.available || performance.now() < askAgainAt) return toAll(topics)
    try {
      return await fromInterest(topics)
    } catch (error) {
      log.warn({ error }, 'interest could not be read')
      askAgainAt = performance.now() + PAUSE_AFTER_FAILURE_MS
      return toAll(topics)
    }
  }

  function toAll(topics: readonly string[]): Map<number, string[]> {
    return new Map(announced.all().map((gatewayId) => [gatewayId, [...topics]]))
  }

  async function fromInterest(topics: readonly string[]): Promise<Map<number, string[]>> {
    // Before the sets are read: what a gateway registers, and announces, after that is not in them.
    const registered = performance.now() < settledAt ? new Map<number, string>() : announced.registered(BELIEVED_FOR_MS)
    const interest = await readInterest(topics)
    const mentioned = new Set([...interest.gateways.values()].flat())
    const silent = [...mentioned.union(new Set(announced.all()))].filter((id) => !announced.heardLately(id))
    const dead = await leases.deadAmong(silent)
    announced.forget(dead)

    const found = new Map<number, string[]>()
    const add = (gatewayId: number, topic: string) => {
      const of = found.get(gatewayId)
      if (of) of.push(topic)
      else found.set(gatewayId, [topic])
    }
    const others = announced.all()
    for (const topic of topics) {
      const bucket = bucketOf(topic)
      const epoch = interest.epochs.get(bucket)
      const interested = new Set(interest.gateways.get(topic)).difference(dead)
      for (const gatewayId of interested) add(gatewayId, topic)
      for (const gatewayId of others) {
        if (interested.has(gatewayId)) continue
        const epochs = registered.get(gatewayId)
        const whole = epochs !== undefined && epochOfBucket(epochs, bucket) === epoch
        if (!whole) add(gatewayId, topic)
      }
    }
    removeDead(interest, dead)
    return found
  }

  async function readInterest(topics: readonly string[]): Promise<Interest> {
    const byBucket = Map.groupBy(topics, bucketOf)
    const results = await redis.pipeline((pipeline) => {
      for (const [bucket, named] of byBucket) {
        for (const topic of named) pipeline.smembers(redisKeys.topic(topic))
        // After the sets: if they were lost before they were read, the epoch shows it.
        pipeline.get(redisKeys.epoch(bucket))
      }
    })
    const next = results.values()
    const epochs = new Map<number, string | null>()
    const gateways = new Map<string, number[]>()
    for (const [bucket, named] of byBucket) {
      for (const topic of named) gateways.set(topic, (next.next().value as string[]).map(Number))
      epochs.set(bucket, next.next().value as string | null)
    }
    return { epochs, gateways }
  }

  /** Nobody waits for it: a dead gateway that stays in a set costs the next sender a look at its lease, no more. */
  function removeDead(interest: Interest, dead: ReadonlySet<number>): void {
    const entries = [...interest.gateways]
      .map(([topic, ids]) => ({ topic, gone: ids.filter((id) => dead.has(id)) }))
      .filter(({ gone }) => gone.length > 0)
    if (entries.length === 0) return
    const removing = redis
      .pipeline((pipeline) => entries.forEach(({ topic, gone }) => pipeline.srem(redisKeys.topic(topic), ...gone)))
      .then(
        () => undefined,
        (error: unknown) => log.warn({ error }, 'dead gateways not removed yet'),
      )
      .finally(() => removals.delete(removing))
    removals.add(removing)
  }

  return {
    hear: (announcement) => announced.hear(announcement),
    distrust() {
      announced.distrust()
      heardAllAt = performance.now() + ROUND_MS
    },
    get hasHeardAll() {
      return performance.now() >= heardAllAt
    },
    gateways: () => announced.all(),
    gatewaysOf,
    check: () => redis.check(),
    async [Symbol.asyncDispose]() {
      await Promise.all(removals)
      await redis[Symbol.asyncDispose]()
    },
  }
}
