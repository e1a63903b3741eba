import { setTimeout as delay } from 'node:timers/promises'
import { repeat, type Logger } from '@parley/runtime'
import type { Announcement } from './announcement.ts'
import {
  keepConnections,
  NOTHING_KNOWN,
  type AddedConnection,
  type GatewayConnection,
  type GraceMs,
  type HowConnectionEnded,
} from './gateway-connections.ts'
import { findAddresses } from './gateway-addresses.ts'
import { countInterest } from './gateway-interest.ts'
import { holdLease } from './gateway-lease.ts'
import { keepRegistered } from './gateway-registration.ts'
import { IDLE, JOIN, LEAVE } from './connection-scripts.ts'
import { openRedis } from './redis.ts'
import { claimTicket } from './ticket-claims.ts'

/**
 * What a gateway keeps in Redis: its lease, its interest in topics, its connections. Nothing here fails because Redis is
 * away: the gateway says that it is not `registered`, gets every notice, and all is registered again when Redis is back.
 */
export interface GatewayRouting extends AsyncDisposable {
  /** A random 53-bit integer: new at every start, and after a lapsed lease. */
  readonly gatewayId: number
  /** To be told to all senders every 2 seconds, and at once when it changes. */
  readonly announcement: Announcement
  /**
   * This process was stopped for longer than its lease: others hold it for dead, and what it hears now may be old. Write to
   * no socket until this is false: everything is registered again under a new id, or can not be.
   */
  readonly lapsed: boolean
  /** Counted. Resolves when senders can know: Redis has it, or all who listen have been told `registered: false`. */
  addInterest(topics: readonly string[]): Promise<void>
  /** Leaves Redis after a few seconds, so that a reconnect is free. */
  removeInterest(topics: readonly string[]): void
  /** What an operator may want to watch. */
  readonly figures: GatewayFigures
  /**
   * Resolves when presence will hear of it, or at once while Redis is away, and nothing is known. Connections beyond the cap that
   * are not closed are named again next time.
   */
  addConnection(connection: GatewayConnection): Promise<AddedConnection>
  /** Whether anything is done on this connection: a user all of whose connections are idle is away. Written when it changes. */
  setIdle(connectionId: string, userId: string, idle: boolean): Promise<void>
  removeConnection(connectionId: string, userId: string, how: HowConnectionEnded): Promise<void>
  /** Other gateways reach this one here: a URL such as `http://10.1.2.3:8080`. To be told once it listens. */
  reachableAt(address: string): Promise<void>
  /**
   * Where the gateway of this id is reached; undefined if nobody has lately known one. While Redis is away, or has just been
   * emptied, what was known before is the answer.
   */
  addressOf(gatewayId: number): Promise<string | undefined>
  /** Whether this is the id of this process, or was before a lease lapsed. */
  isSelf(gatewayId: number): boolean
  /**
   * Gives a ticket to the connection that asks first, for so long. Answers with the connection that has it; undefined while
   * Redis cannot tell.
   */
  claimTicket(ticketId: string, connectionId: string, forMs: number): Promise<string | undefined>
  /**
   * The lease lapsed (the process was stopped; Redis was away or emptied) and another id was taken. Called, and awaited, before
   * anybody hears of the new id: subscribe to its subject here. Keep the old one for 10 seconds: senders use it until then.
   */
  onNewIdentity(listener: (gatewayId: number) => void | Promise<void>): void
  /**
   * The announcement changed: tell senders at once. When it says `registered` again, what was sent meanwhile may have been
   * missed: compare the positions of all topics.
   */
  onChange(listener: (announcement: Announcement) => void | Promise<void>): void
  /** Resolves when Redis answers. A health check. */
  check(): Promise<void>
}

/** As of now, and since the start. */
export interface GatewayFigures {
  /** Topics with interest, those about to lose it included. */
  readonly topics: number
  readonly connections: number
  /** Whether Redis holds all of this. */
  readonly registered: boolean
  readonly leasesTaken: number
  readonly renewals: number
  /** How often it had to be doubted that Redis holds all of this. */
  readonly doubts: number
}

const LEASE_MS = 15_000
const RENEW_MS = 5_000
const REMOVAL_DELAY_MS = 5_000
const REMOVAL_EVERY_MS = 500
const REGISTRATION_JITTER_MS = 1_000
const GRACE_MS: GraceMs = { closed: 3_000, lost: 15_000, drained: 60_000 }
/** How long a stopping gateway tidies up what others would tidy up in time. */
const FAREWELL_MS = 2_000

export async function openGatewayRouting(options: {
  url: string
  log: Logger
  leaseMs?: number
  renewMs?: number
  removalDelayMs?: number
  /** Gateways that lost Redis together register again at random moments within this time. */
  registrationJitterMs?: number
  graceMs?: GraceMs
  /** How many connections of one user are kept, over all gateways; without a number, all. */
  connectionsPerUser?: number
}): Promise<GatewayRouting> {
  const { log } = options
  const leaseMs = options.leaseMs ?? LEASE_MS
  const renewMs = options.renewMs ?? RENEW_MS
  const removalDelayMs = options.removalDelayMs ?? REMOVAL_DELAY_MS
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(
    await openRedis({ url: options.url, name: 'gateway-routing', log, scripts: [IDLE, JOIN, LEAVE] }),
  )
  const lease = holdLease(redis, { leaseMs, renewMs })
  const addresses = findAddresses(redis)
  const interest = countInterest(redis, removalDelayMs)
  const connections = keepConnections(redis, options.graceMs ?? GRACE_MS, options.connectionsPerUser)
  stack.defer(farewell)
  const registration = stack.use(
    await keepRegistered({
      redis,
      lease,
      log,
      leaseMs,
      renewMs,
      jitterMs: options.registrationJitterMs ?? REGISTRATION_JITTER_MS,
      *registerAll(gatewayId) {
        yield* connections.registerAll(gatewayId)
        yield* interest.addAll(gatewayId)
      },
    }),
  )
  const removalEveryMs = Math.min(REMOVAL_EVERY_MS, removalDelayMs)
  stack.use(repeat('remove-idle-interest', { everyMs: removalEveryMs, log }, removeIdleInterest))
  const running = stack.move()

  async function removeIdleInterest(): Promise<void> {
    if (!registration.announcement.registered) return
    try {
      await interest.removeIdle(registration.announcement.gatewayId)
    } catch (error) {
      registration.doubt('interest not removed', error)
    }
  }

  /** Leaves nothing behind for others to find dead; who is still connected is forgiven as after a drain. */
  async function farewell(): Promise<void> {
    if (!redis.available) return
    const leaving = async () => {
      await connections.removeAll(lease.gatewayId)
      await interest.removeAll(lease.gatewayId)
      await lease.giveUp()
    }
    const late = new AbortController()
    try {
      await Promise.race([leaving(), delay(FAREWELL_MS, undefined, { signal: late.signal })])
    } catch (error) {
      log.warn({ error, gatewayId: lease.gatewayId }, 'gateway left without a farewell')
    } finally {
      late.abort()
    }
  }

  return {
    get gatewayId() {
      return registration.announcement.gatewayId
    },
    get announcement() {
      return registration.announcement
    },
    get lapsed() {
      return registration.lapsed
    },
    get figures() {
      return {
        topics: interest.size,
        connections: connections.size,
        registered: registration.announcement.registered,
        leasesTaken: lease.taken,
        renewals: lease.renewals,
        doubts: registration.doubts,
      }
    },
    async addInterest(topics) {
      const fresh = interest.count(topics)
      if (redis.available) {
        try {
          const others = interest.added(topics)
          await Promise.all([others, interest.add(registration.announcement.gatewayId, fresh)])
        } catch (error) {
          registration.doubt('interest not added', error)
        }
      }
      if (!registration.announcement.registered) await registration.told()
    },
    removeInterest: (topics) => interest.uncount(topics),
    async addConnection(connection) {
      try {
        return await connections.add(registration.announcement.gatewayId, connection)
      } catch (error) {
        registration.doubt('connection not registered', error)
        return NOTHING_KNOWN
      }
    },
    async setIdle(connectionId, userId, idle) {
      try {
        await connections.setIdle(registration.announcement.gatewayId, connectionId, userId, idle)
      } catch (error) {
        registration.doubt('idleness not registered', error)
      }
    },
    async removeConnection(connectionId, userId, how) {
      try {
        await connections.remove(registration.announcement.gatewayId, connectionId, userId, how)
      } catch (error) {
        registration.doubt('departure not registered', error)
      }
    },
    async reachableAt(address) {
      try {
        await lease.reachableAt(address)
      } catch (error) {
        // The next renewal says it.
        log.warn({ error }, 'address not told')
      }
    },
    addressOf: (gatewayId) => addresses.of(gatewayId),
    isSelf: (gatewayId) => lease.wasHeldAs(gatewayId),
    async claimTicket(ticketId, connectionId, forMs) {
      if (!redis.available) return undefined
      try {
        return await claimTicket(redis, ticketId, connectionId, forMs)
      } catch (error) {
        log.warn({ error }, 'ticket not claimed')
        return undefined
      }
    },
    onNewIdentity: (listener) => registration.onNewIdentity(listener),
    onChange: (listener) => registration.onChange(listener),
    check: () => redis.check(),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}
