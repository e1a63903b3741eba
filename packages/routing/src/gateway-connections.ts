import type { ChainableCommander } from 'ioredis'
import { inChunks } from './in-chunks.ts'
import { JOIN, LEAVE } from './presence-scripts.ts'
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

/**
 * The connections of one gateway and their copy in Redis. Departures are remembered until presence must have decided on them:
 * should Redis lose them before that, nobody else would know that these users were there, and went.
 */
export interface GatewayConnections {
  add(gatewayId: number, connection: GatewayConnection): Promise<void>
  remove(gatewayId: number, connectionId: string, userId: string, how: HowConnectionEnded): Promise<void>
  /** Everything that Redis must know, in steps. */
  registerAll(gatewayId: number): Generator<Promise<void>>
  /** At the end: those that are left count as drained. */
  removeAll(gatewayId: number): Promise<void>
}

const CHUNK = 250
/** How long after its grace a departure is remembered. */
const DECIDED_WITHIN_MS = 30_000

interface Known extends GatewayConnection {
  /** By the gateway's clock; for people, not for rules. */
  readonly since: number
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

export function keepConnections(redis: RedisConnection, graceMs: GraceMs): GatewayConnections {
  const connections = new Map<string, Known>()
  /** In the order of their time. */
  const departures = new Map<string, Departed>()
  const rememberMs = Math.max(...Object.values(graceMs)) + DECIDED_WITHIN_MS

  function join(pipeline: ChainableCommander, gatewayId: number, { connectionId, userId, device, since }: Known): void {
    const value = `${gatewayId}|${since}|${device ?? ''}`
    pipeline.evalsha(JOIN.sha, 3, ...keysOf(gatewayId, userId), userId, connectionId, value)
  }

  function leave(pipeline: ChainableCommander, gatewayId: number, departed: Departed): void {
    const { connectionId, userId, how, at } = departed
    const agoMs = Math.floor(performance.now() - at)
    const keys = keysOf(gatewayId, userId)
    pipeline.evalsha(LEAVE.sha, 3, ...keys, userId, connectionId, gatewayId, graceMs[how], agoMs)
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
    async add(gatewayId, connection) {
      const known = { ...connection, since: Date.now() }
      connections.set(connection.connectionId, known)
      departures.delete(connection.connectionId)
      if (redis.available) await redis.pipeline((pipeline) => join(pipeline, gatewayId, known))
    },
    async remove(gatewayId, connectionId, userId, how) {
      const departed = depart(connectionId, userId, how)
      if (redis.available) await sendDepartures(gatewayId, [departed])
    },
    *registerAll(gatewayId) {
      for (const chunk of inChunks(connections.values(), CHUNK)) {
        yield redis
          .pipeline((pipeline) => chunk.forEach((connection) => join(pipeline, gatewayId, connection)))
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

function keysOf(gatewayId: number, userId: string): [user: string, gatewayUsers: string, due: string] {
  const bucket = bucketOf(userId)
  return [redisKeys.user(userId), redisKeys.gatewayUsers(bucket, gatewayId), redisKeys.due(bucket)]
}
