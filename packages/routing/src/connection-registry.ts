import type { Logger } from '@parley/runtime'
import { hearGateways } from './announced-gateways.ts'
import type { Announcement } from './announcement.ts'
import { sweepDeadGateways } from './dead-gateways.ts'
import { ADVANCE_INTEREST, CLAIM_INTEREST, searchDeadInterest } from './dead-interest.ts'
import { acknowledge, measureDue, settleDue, type SettleTimes } from './due-users.ts'
import { findKnownUsers, forgetUser, type Forgotten } from './forget-user.ts'
import { flushSeen, type Seen } from './last-seen.ts'
import { watchLeases } from './live-leases.ts'
import { ANNOUNCED, CHOOSE, CLAIM, CLAIM_SEEN, FORGET_SEEN, SETTLE, SWEEP } from './presence-scripts.ts'
import { openRedis } from './redis.ts'
import { openStatusLoader, writeStatuses, type ReadStatuses, type UserStatus } from './status-loading.ts'
import type { Transition } from './transition.ts'
import { statesOf, type UserState } from './user-states.ts'
import { watchEpochs } from './whole-epochs.ts'

/**
 * Who is connected, as the gateways have written it. Any number of instances may work at once. What one has claimed and not
 * finished, because it died, comes up again.
 */
export interface ConnectionRegistry extends AsyncDisposable {
  /** To be called with every announcement of a gateway: only they know whether Redis holds all their connections. */
  hear(announcement: Announcement): void
  /** Announcements may have been missed (NATS was away): nobody is taken for offline until gateways were heard again. */
  distrust(): void
  /**
   * Looks at users that are due, and answers with the transitions to announce: those just decided, and those not acknowledged
   * in time. `more` says that others may be due. While Redis is away there are none.
   */
  settleDue(): Promise<{ transitions: Transition[]; more: boolean }>
  /**
   * These statuses have been stored, in any order and perhaps not for the first time: their users are looked at. Throws while
   * Redis is away: to be tried again.
   */
  writeStatuses(statuses: readonly UserStatus[]): Promise<void>
  /** These are announced. A transition comes up again until this was called for it, or for a later one. */
  acknowledge(transitions: readonly Transition[]): Promise<void>
  /** Finds gateways whose lease has ended and makes their users due. Answers with those gateways. */
  sweepDeadGateways(): Promise<number[]>
  /**
   * After gateways were found dead: the next step of taking their ids out of all topics. Answers with how many entries were
   * taken out. To be called about once a second; instances take turns.
   */
  forgetDeadInterest(): Promise<number>
  /** Never throws: while it can not be told who is offline, or what they have chosen, they are `unknown`. */
  statesOf(userIds: readonly string[]): Promise<Map<string, UserState>>
  /** Whether it can be told of everybody if they are offline, and could since the last time. To be asked by one who repeats it. */
  isWhole(): Promise<boolean>
  /** Throws when Redis cannot tell. */
  measure(): Promise<RegistryFigures>
  /** Hands over who was last seen when, each user at most once in the interval, and forgets it when `store` has resolved. */
  flushSeen(everyMs: number, store: (seen: readonly Seen[]) => Promise<void>): Promise<void>
  /**
   * Removes whatever is known of a user for good, unless they are `present`: then it is to be tried again. Throws while Redis is
   * away.
   */
  forgetUser(userId: string): Promise<Forgotten>
  /** Those of the users of whom something is known. Throws while Redis is away. */
  findKnownUsers(userIds: readonly string[]): Promise<string[]>
  /** Resolves when Redis answers. A health check. */
  check(): Promise<void>
}

export interface RegistryFigures {
  /** Users who are due to be looked at. */
  readonly waiting: number
  readonly oldestAgeMs: number
  /** Gateways heard lately. */
  readonly gateways: number
}

/** A dead gateway is noticed at most 16 s after its death: with this its users are right within 30 s. */
const DEAD_GRACE_MS = 10_000
const CLAIM_MS = 10_000
const DOUBT_RETRY_MS = 1_000
/** For so long after the start, and after Redis was away, gateways may not all have been heard. */
const SETTLING_MS = 5_000

export async function openConnectionRegistry(
  options: {
    url: string
    log: Logger
    readStatuses: ReadStatuses
    settlingMs?: number
    /** How long a gateway may say nothing before its lease decides whether it lives. */
    silentAfterMs?: number
  } & Partial<SettleTimes>,
): Promise<ConnectionRegistry> {
  const { url, log, readStatuses } = options
  const times: SettleTimes = {
    claimMs: options.claimMs ?? CLAIM_MS,
    deadGraceMs: options.deadGraceMs ?? DEAD_GRACE_MS,
    doubtRetryMs: options.doubtRetryMs ?? DOUBT_RETRY_MS,
  }
  const scripts = [ADVANCE_INTEREST, ANNOUNCED, CHOOSE, CLAIM, CLAIM_INTEREST, CLAIM_SEEN, FORGET_SEEN, SETTLE, SWEEP]
  const redis = await openRedis({ url, name: 'connection-registry', log, scripts })
  const leases = watchLeases(redis)
  const announced = hearGateways(options.silentAfterMs)
  const epochs = watchEpochs(redis, announced, options.settlingMs ?? SETTLING_MS)
  const statuses = openStatusLoader(redis, readStatuses, log)
  return {
    hear: (announcement) => announced.hear(announcement),
    distrust: () => epochs.distrust(),
    settleDue: () => settleDue({ redis, leases, epochs, times, statuses }),
    writeStatuses: (written) => writeStatuses(redis, written, 'written'),
    acknowledge: (transitions) => acknowledge(redis, transitions),
    sweepDeadGateways: () => sweepDeadGateways({ redis, leases, announced }),
    forgetDeadInterest: searchDeadInterest(redis),
    statesOf: (userIds) => statesOf({ redis, leases, epochs, statuses, log }, userIds),
    isWhole: async () => redis.available && epochs.look().catch(() => false),
    measure: async () => ({ ...(await measureDue(redis)), gateways: announced.alive }),
    flushSeen: (everyMs, store) => flushSeen(redis, everyMs, store),
    forgetUser: (userId) => forgetUser(redis, userId),
    findKnownUsers: (userIds) => findKnownUsers(redis, userIds),
    check: () => redis.check(),
    async [Symbol.asyncDispose]() {
      await redis[Symbol.asyncDispose]()
      await statuses[Symbol.asyncDispose]()
    },
  }
}
