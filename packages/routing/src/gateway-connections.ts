import type { ChainableCommander } from 'ioredis'
import { compactId, expandId } from './compact-id.ts'
import { IDLE, JOIN, LEAVE } from './connection-scripts.ts'
import { inChunks } from './in-chunks.ts'
import { bucketOf, redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'

/** `closed` by the client, `lost` without a word, or `drained` by a gateway that stops. */
export type HowConnectionEnded = 'closed' | 'lost' | 'drained'

/** For how long the absence of a user is forgiven, by the way their last connection ended. */
export type GraceMs = Readonly<Record<HowConnectionEnded, number>>

export interface GatewayConnection {
  readonly connectionId: string
  readonly userId: string
  /** A name for the device, if the client gave one. */
  readonly device?: string
}

/** What is known of a user when one of their connections was added. */
export interface AddedConnection {
  /** The user's oldest connections beyond the cap, if Redis can be asked. */
  readonly beyond: readonly ConnectionPlace[]
  /** The user was away, and is back after a loss: the connection counts as idle. */
  readonly isIdle: boolean
}

/** Where a connection is. */
export interface ConnectionPlace {
  readonly gatewayId: number
  readonly connectionId: string
}

/**
 * The connections of one gateway and their copy in Redis. Departures are remembered until presence must have decided on them:
 * should Redis lose them before that, nobody else would know that these users were there, and went.
 */
export interface GatewayConnections {
  readonly size: number
  add(gatewayId: number, connection: GatewayConnection): Promise<AddedConnection>
  setIdle(gatewayId: number, connectionId: string, userId: string, idle: boolean): Promise<void>
  remove(gatewayId: number, connectionId: string, userId: string, how: HowConnectionEnded): Promise<void>
  /** Everything that Redis must know, in steps. */
  registerAll(gatewayId: number): Generator<Promise<void>>
  /** At the end: those that are left count as drained. */
  removeAll(gatewayId: number): Promise<void>
}

const CHUNK = 250
export const NOTHING_KNOWN: AddedConnection = { beyond: [], isIdle: false }
/** How long after its grace a departure is remembered. */
const DECIDED_WITHIN_MS = 30_000

interface Known extends GatewayConnection {
  /** By the monotonic clock. */
  readonly at: number
  idle: boolean
}

interface Departed {
  readonly connectionId: string
  readonly userId: string
  readonly how: HowConnectionEnded
  /** By the monotonic clock. */
  readonly at: number
  /** Redis has it. */
  sent: boolean
}

export function keepConnections(
  redis: RedisConnection,
  graceMs: GraceMs,
  /** How many a user may have, over all gateways; 0 for any number. */
  connectionsPerUser = 0,
): GatewayConnections {
  const connections = new Map<string, Known>()
  /** In the order of their time. */
  const departures = new Map<string, Departed>()
  const rememberMs = Math.max(...Object.values(graceMs)) + DECIDED_WITHIN_MS

  /** With a cap, Redis answers with what is beyond it. */
  function join(pipeline: ChainableCommander, gatewayId: number, known: Known, cap: number): void {
    const { connectionId, userId, device = '', at, idle } = known
    const keys = keysOf(gatewayId, userId)
    const ids = [compactId(userId), compactId(connectionId), gatewayId]
    pipeline.evalsha(JOIN.sha, 3, ...keys, ...ids, flagOf(idle), agoMs(at), device, cap)
  }

  function leave(pipeline: ChainableCommander, gatewayId: number, departed: Departed): void {
    const { connectionId, userId, how, at } = departed
    const keys = keysOf(gatewayId, userId)
    const ids = [compactId(userId), compactId(connectionId), gatewayId]
    pipeline.evalsha(LEAVE.sha, 3, ...keys, ...ids, graceMs[how], agoMs(at))
  }

  function depart(connectionId: string, userId: string, how: HowConnectionEnded): Departed {
    const departed = { connectionId, userId, how, at: performance.now(), sent: false }
    connections.delete(connectionId)
    departures.set(connectionId, departed)
    return departed
  }

  async function sendDepartures(gatewayId: number, leaving: readonly Departed[]): Promise<void> {
    await redis.pipeline((pipeline) => leaving.forEach((departed) => leave(pipeline, gatewayId, departed)))
    for (const departed of leaving) departed.sent = true
    const rememberedFrom = performance.now() - rememberMs
    for (const { connectionId, at, sent } of departures.values()) {
      if (!sent || at > rememberedFrom) break
      departures.delete(connectionId)
    }
  }

  return {
    get size() {
      return connections.size
    },
    async add(gatewayId, connection) {
      const known = { ...connection, at: performance.now(), idle: false }
      connections.set(connection.connectionId, known)
      departures.delete(connection.connectionId)
      if (!redis.available) return NOTHING_KNOWN
      const [answer] = await redis.pipeline((pipeline) => join(pipeline, gatewayId, known, connectionsPerUser))
      const [flag, ...beyond] = answer as string[]
      // Meanwhile it may have been used.
      const isIdle = flag === flagOf(true) && connections.get(connection.connectionId) === known
      if (isIdle) known.idle = true
      return { beyond: readPlaces(beyond), isIdle }
    },
    async setIdle(gatewayId, connectionId, userId, idle) {
      const known = connections.get(connectionId)
      if (known === undefined || known.idle === idle) return
      known.idle = idle
      if (!redis.available) return
      const [user, , due] = keysOf(gatewayId, userId)
      const ids = [compactId(userId), compactId(connectionId), gatewayId]
      await redis.pipeline((pipeline) => pipeline.evalsha(IDLE.sha, 2, user, due, ...ids, flagOf(idle)))
    },
    async remove(gatewayId, connectionId, userId, how) {
      const departed = depart(connectionId, userId, how)
      if (redis.available) await sendDepartures(gatewayId, [departed])
    },
    *registerAll(gatewayId) {
      for (const chunk of inChunks(connections.values(), CHUNK)) {
        yield redis
          .pipeline((pipeline) => chunk.forEach((connection) => join(pipeline, gatewayId, connection, 0)))
          .then(() => undefined)
      }
      for (const chunk of inChunks(departures.values(), CHUNK)) yield sendDepartures(gatewayId, chunk)
    },
    async removeAll(gatewayId) {
      for (const { connectionId, userId } of connections.values()) depart(connectionId, userId, 'drained')
      const unsent = [...departures.values()].filter(({ sent }) => !sent)
      for (const chunk of inChunks(unsent, CHUNK)) await sendDepartures(gatewayId, chunk)
    },
  }
}

const flagOf = (idle: boolean): string => (idle ? 'i' : 'a')
const agoMs = (at: number): number => Math.floor(performance.now() - at)

function readPlaces(read: readonly string[]): ConnectionPlace[] {
  return read.flatMap((gatewayId, index) =>
    index % 2 === 0 ? [{ gatewayId: Number(gatewayId), connectionId: expandId(read[index + 1] ?? '') }] : [],
  )
}

function keysOf(gatewayId: number, userId: string): [user: string, gatewayUsers: string, due: string] {
  const bucket = bucketOf(userId)
  return [redisKeys.user(userId), redisKeys.gatewayUsers(bucket, gatewayId), redisKeys.due(bucket)]
}
