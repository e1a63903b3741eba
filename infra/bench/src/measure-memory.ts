import { userTopic } from '@parley/contracts'
import type { ConnectionRegistry } from '@parley/routing'
import type { Redis } from 'ioredis'
import type { LoadedGateways } from './loaded-gateways.ts'
import type { Population } from './population.ts'
import { usedBytes } from './redis-usage.ts'

const SAMPLED = 1_000

export interface MemoryFigures {
  readonly users: number
  readonly conversationsWithInterest: number
  /** Gateways per conversation with interest. */
  readonly gatewaysPerConversation: number
  readonly usedBytes: { readonly empty: number; readonly loaded: number }
  readonly perUser: {
    /** With one connection, decided and announced; as Redis says of a sample. */
    readonly hash: number
    /** In the set of the users of a gateway: the rest. */
    readonly gatewayEntry: number
    readonly ownTopic: number
    /** All of it. */
    readonly online: number
    /** So much more before presence has looked at a user who has just come. */
    readonly due: number
  }
  readonly perConversation: number
}

/**
 * Fills Redis in stages as gateways and presence fill it, by their own code: each user connects once and has interest in the
 * own topic and in those of all conversations.
 */
export async function measureMemory(options: {
  redis: Redis
  gateways: LoadedGateways
  registry: ConnectionRegistry
  people: Population
  say: (line: string) => void
}): Promise<MemoryFigures> {
  const { redis, gateways, registry, people, say } = options
  const { users } = people
  const empty = await usedBytes(redis)
  const stage = async (name: string, work: () => Promise<unknown>) => {
    const startedMs = performance.now()
    await work()
    await gateways.untilRegistered()
    const bytes = await usedBytes(redis)
    say(
      `${name}: ${((performance.now() - startedMs) / 1_000).toFixed(0)} s, ${(bytes / 2 ** 20).toFixed(1)} MiB in use`,
    )
    return bytes
  }

  const topics = await stage('own topics', () =>
    gateways.forEachUser((gateway, user) => gateway.addInterest([userTopic(people.userId(user))])),
  )
  const connected = await stage('connections', () =>
    gateways.forEachUser((gateway, user) =>
      gateway.addConnection({ connectionId: gateways.connectionId(user), userId: people.userId(user) }),
    ),
  )
  const settled = await stage('presence has looked at all', () => settleAll(registry))
  const hash = await hashBytes(redis)
  const keysBefore = await redis.dbsize()
  const loaded = await stage('conversations', () =>
    gateways.forEachUser((gateway, user) => gateway.addInterest(people.conversationTopics(user))),
  )

  const conversationsWithInterest = (await redis.dbsize()) - keysBefore
  const interests = gateways.all.reduce((sum, { figures }) => sum + figures.topics, 0) - users
  return {
    users,
    conversationsWithInterest,
    gatewaysPerConversation: interests / conversationsWithInterest,
    usedBytes: { empty, loaded },
    perUser: {
      hash,
      gatewayEntry: (settled - topics) / users - hash,
      ownTopic: (topics - empty) / users,
      online: (settled - empty) / users,
      due: (connected - settled) / users,
    },
    perConversation: (loaded - settled) / conversationsWithInterest,
  }
}

/** What a hash takes on average, its key and its place in the table of keys included. Only users are hashes. */
async function hashBytes(redis: Redis): Promise<number> {
  const sizes: number[] = []
  while (sizes.length < SAMPLED) {
    const key = (await redis.randomkey()) ?? ''
    if ((await redis.type(key)) !== 'hash') continue
    sizes.push((await redis.memory('USAGE', key, 'SAMPLES', 0)) ?? 0)
  }
  return sizes.reduce((sum, size) => sum + size, 0) / SAMPLED
}

/** Presence decides on everybody who came, and says so. Answers with how many transitions there were. */
export async function settleAll(registry: ConnectionRegistry): Promise<number> {
  let transitions = 0
  do {
    for (let more = true; more;) {
      const settled = await registry.settleDue()
      more = settled.more
      transitions += settled.transitions.length
      await registry.acknowledge(settled.transitions)
    }
  } while ((await registry.measure()).waiting > 0)
  return transitions
}
