import { setTimeout as delay } from 'node:timers/promises'
import { repeat, type Logger } from '@parley/runtime'
import type { Announcement } from './announcement.ts'
import { readEpochs } from './epochs.ts'
import type { GatewayLease } from './gateway-lease.ts'
import type { RedisConnection } from './redis.ts'
import { watchForStops } from './watch-for-stops.ts'

type IdentityListener = (gatewayId: number) => void | Promise<void>
type ChangeListener = (announcement: Announcement) => void | Promise<void>

/**
 * Knows whether all that Redis should hold of this gateway is there, and sees to it that it is. Doubt is cheap to have and
 * is resolved in one way only: everything is registered again, under an epoch that is the same before and after.
 */
export interface GatewayRegistration extends AsyncDisposable {
  readonly announcement: Announcement
  /** This process was stopped for longer than its lease, and not everything is registered again. */
  readonly lapsed: boolean
  /** How often there was a reason to doubt. */
  readonly doubts: number
  /** What Redis holds may not be whole any more. */
  doubt(reason: string, error?: unknown): void
  /** Resolves when all who listen have heard of the last change. */
  told(): Promise<void>
  onNewIdentity(listener: IdentityListener): void
  onChange(listener: ChangeListener): void
}

/** Between two steps of registering everything again, so that Redis serves others meanwhile. */
const STEP_PAUSE_MS = 5
const RETRY_MS = 1_000

export async function keepRegistered(options: {
  redis: RedisConnection
  lease: GatewayLease
  log: Logger
  leaseMs: number
  renewMs: number
  jitterMs: number
  /** Sends everything that Redis must hold, in steps. */
  registerAll: (gatewayId: number) => Iterable<Promise<void>>
}): Promise<GatewayRegistration> {
  const { redis, lease, log, leaseMs, renewMs, jitterMs, registerAll } = options
  await using stack = new AsyncDisposableStack()
  const stops = stack.use(watchForStops(leaseMs))
  const identityListeners: IdentityListener[] = []
  const changeListeners: ChangeListener[] = []
  let announcement: Announcement = { gatewayId: lease.gatewayId, redisEpoch: '', registered: false }
  let telling: Promise<void> = Promise.resolve()
  /** Counts the reasons to doubt. */
  let doubts = 0

  function announce(change: Partial<Announcement>): void {
    announcement = { ...announcement, ...change }
    const current = announcement
    telling = telling.then(() => tell(current))
  }

  async function tell(current: Announcement): Promise<void> {
    for (const listener of changeListeners) {
      try {
        await listener(current)
      } catch (error) {
        log.warn({ error }, 'change of announcement could not be told')
      }
    }
  }

  function doubt(reason: string, error?: unknown): void {
    doubts++
    if (!announcement.registered) return
    log.warn({ reason, error, gatewayId: announcement.gatewayId }, 'registration in doubt')
    announce({ registered: false })
    registering.hurry()
  }

  async function takeIdentity(): Promise<void> {
    if (!lease.stands) await lease.take()
    const { gatewayId } = lease
    const before = announcement.gatewayId
    if (gatewayId === before) return
    for (const listener of identityListeners) await listener(gatewayId)
    announce({ gatewayId })
    log.info({ gatewayId, before }, 'gateway id taken')
  }

  async function register(): Promise<void> {
    const doubtsBefore = doubts
    const epochs = await readEpochs(redis)
    for (const step of registerAll(announcement.gatewayId)) {
      await step
      if (doubts !== doubtsBefore) return
      await delay(STEP_PAUSE_MS)
    }
    const same = (await readEpochs(redis)) === epochs
    if (!same || !lease.stands || doubts !== doubtsBefore) return
    announce({ redisEpoch: epochs, registered: true })
    stops.forget()
    log.info({ gatewayId: announcement.gatewayId }, 'gateway registered')
  }

  async function registerIfInDoubt(signal: AbortSignal): Promise<void> {
    if (announcement.registered) return
    // Whoever waits for Redis goes on as it can.
    if (!redis.available) return stops.forget()
    try {
      await takeIdentity()
      // All gateways may have lost Redis at the same moment.
      await delay(Math.random() * jitterMs, undefined, { signal })
      await register()
    } catch (error) {
      stops.forget()
      if (!signal.aborted) log.warn({ error }, 'gateway could not be registered')
    }
  }

  async function renew(): Promise<void> {
    if (!redis.available) return
    try {
      const outcome = await lease.renew()
      if (outcome !== 'renewed') doubt(`lease ${outcome}`)
      else if (announcement.registered && (await readEpochs(redis)) !== announcement.redisEpoch) doubt('epoch changed')
    } catch (error) {
      doubt('lease not renewed', error)
    }
  }

  if (redis.available) {
    try {
      await takeIdentity()
      await register()
    } catch (error) {
      log.warn({ error }, 'gateway could not be registered')
    }
  }
  redis.onLost(() => doubt('redis lost'))
  redis.onAvailable(() => registering.hurry())
  const registering = stack.use(repeat('register-gateway', { everyMs: RETRY_MS, log }, registerIfInDoubt))
  stack.use(repeat('renew-lease', { everyMs: renewMs, log }, renew))
  const running = stack.move()

  return {
    get announcement() {
      return announcement
    },
    get lapsed() {
      return stops.wasStopped
    },
    get doubts() {
      return doubts
    },
    doubt,
    told: () => telling,
    onNewIdentity: (listener) => void identityListeners.push(listener),
    onChange: (listener) => void changeListeners.push(listener),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}
