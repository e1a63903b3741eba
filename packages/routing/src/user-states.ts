import type { Logger } from '@parley/runtime'
import { timeMs } from './redis-time.ts'
import type { LiveLeases } from './live-leases.ts'
import { bucketOf, redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'
import type { StatusLoader } from './status-loading.ts'
import { isShown } from './transition.ts'
import { readUserHash, type ChosenStatus, type StatusName, type UserHash, type Visibility } from './user-hash.ts'
import type { WholeEpochs } from './whole-epochs.ts'

/** A user as they are; to whom that may be told is for others to see to. */
export interface UserState {
  readonly status: StatusName | 'unknown'
  readonly text: string | null
  /** When the user was last there for others to see: of who is offline or invisible, if that is still known here. */
  readonly lastSeenAt: Date | null
  readonly visibleTo: Visibility
  /** Below that of any transition to come, and not below that of any before. 0 while the status is `unknown`. */
  readonly version: number
}

const UNKNOWN: UserState = { status: 'unknown', text: null, lastSeenAt: null, visibleTo: 'nobody', version: 0 }

interface Needs {
  readonly redis: RedisConnection
  readonly leases: LiveLeases
  readonly epochs: WholeEpochs
  readonly statuses: Pick<StatusLoader, 'read'>
  readonly log: Logger
}

/** Never throws: while it can not be told who is offline, or what they have chosen, they are `unknown`. */
export async function statesOf(needs: Needs, userIds: readonly string[]): Promise<Map<string, UserState>> {
  try {
    if (needs.redis.available) return await readStates(needs, new Set(userIds))
  } catch (error) {
    needs.log.warn({ error }, 'presence could not be read')
  }
  return new Map(userIds.map((userId) => [userId, UNKNOWN]))
}

interface ReadUser extends UserHash {
  readonly userId: string
  /** Who is not in here is not connected. */
  readonly whole: boolean
}

async function readStates(needs: Needs, userIds: ReadonlySet<string>): Promise<Map<string, UserState>> {
  const { nowMs, users } = await readUsers(needs, userIds)
  const dead = await needs.leases.deadAmong(users.flatMap(({ connections }) => connections.map((one) => one.gatewayId)))
  const unread = users.filter(({ chosen }) => chosen === undefined).map(({ userId }) => userId)
  const statuses = await needs.statuses.read(unread)
  return new Map(
    users.map((user) => {
      const chosen = user.chosen ?? statuses.get(user.userId)
      const state = chosen === undefined ? UNKNOWN : stateOf(user, atTime(chosen, nowMs), dead, nowMs)
      return [user.userId, state]
    }),
  )
}

async function readUsers(
  { redis, epochs }: Needs,
  userIds: ReadonlySet<string>,
): Promise<{ nowMs: number; users: ReadUser[] }> {
  const byBucket = Map.groupBy(userIds, bucketOf)
  // Before the hashes are read: who registers after that is not in them.
  const wholeEpochs = new Map(byBucket.keys().map((bucket) => [bucket, epochs.of(bucket)]))
  const [time, ...results] = await redis.pipeline((pipeline) => {
    pipeline.time()
    for (const [bucket, named] of byBucket) {
      for (const userId of named) pipeline.hgetall(redisKeys.user(userId))
      // After the hashes: if they were lost before they were read, the epoch shows it.
      pipeline.get(redisKeys.epoch(bucket))
    }
  })
  const next = results.values()
  const users = [...byBucket].flatMap(([bucket, named]) => {
    const read = named.map((userId) => ({
      userId,
      ...readUserHash(next.next().value as Record<string, string>, redis.run),
    }))
    const epoch = next.next().value as string | null
    const expected = wholeEpochs.get(bucket)
    const whole = epoch !== null && (expected === '*' || expected === epoch)
    return read.map((user) => ({ ...user, whole }))
  })
  return { nowMs: timeMs(time), users }
}

/** What has ended by then counts no more. */
function atTime(chosen: ChosenStatus, nowMs: number): ChosenStatus {
  if (chosen.until === null || chosen.until.getTime() > nowMs) return chosen
  return { ...chosen, status: 'online', text: null, until: null }
}

function stateOf(user: ReadUser, chosen: ChosenStatus, dead: ReadonlySet<number>, nowMs: number): UserState {
  const status = statusOf(user, chosen, dead)
  if (status === 'unknown') return UNKNOWN
  const { decided = 'offline' } = user
  // Without what they had chosen, a departure may have been noted that was not to be seen.
  const noted = user.chosen !== undefined || chosen.status !== 'invisible' ? user.lastSeenAt : null
  const lastSeenAt = status === 'invisible' && isShown(decided) ? new Date(nowMs) : noted
  return {
    status,
    text: chosen.text,
    lastSeenAt: isShown(status) ? null : lastSeenAt,
    visibleTo: chosen.visibleTo,
    version: Math.max(user.version, nowMs - 1),
  }
}

/** As `SETTLE` would decide, except that absence is forgiven as long as it has not decided. */
function statusOf(user: ReadUser, chosen: ChosenStatus, dead: ReadonlySet<number>): StatusName | 'unknown' {
  const alive = user.connections.filter(({ gatewayId }) => !dead.has(gatewayId))
  const { decided = 'offline' } = user
  if (alive.length > 0) {
    if (chosen.status !== 'online') return chosen.status
    return alive.some(({ idle }) => !idle) ? 'online' : 'away'
  }
  if (!user.whole) return 'unknown'
  if (!isShown(decided)) return decided
  if (chosen.status !== 'online') return chosen.status
  return decided === 'busy' ? 'online' : decided
}
