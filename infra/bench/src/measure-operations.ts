import { setTimeout as delay } from 'node:timers/promises'
import { userTopic } from '@parley/contracts'
import { openGatewayRouting, type ConnectionRegistry, type SenderRouting } from '@parley/routing'
import { repeat, type Logger } from '@parley/runtime'
import type { Redis } from 'ioredis'
import type { LoadedGateways } from './loaded-gateways.ts'
import { settleAll } from './measure-memory.ts'
import { randomFrom, type Population } from './population.ts'
import { workOf, type RedisWork } from './redis-usage.ts'
import { numbers, sideBySide } from './side-by-side.ts'

/** What Redis has to do for one of something, as our code asks it. */
export interface Cost {
  readonly name: string
  readonly commands: number
  readonly cpuUs: number
  /** By command, scripts and what they run included. */
  readonly byCommand: Readonly<Record<string, number>>
}

/** What Redis has to do each second while nobody comes, goes or says anything. */
export interface Standing {
  readonly gateway: Cost
  readonly presence: Cost
  /** While presence looks for dead gateways in all topics. */
  readonly search: Cost
}

/** As many as arrive within some milliseconds, spread over all gateways. */
const AT_ONCE = 64
/** As in the services. */
const LOOK_MS = 250
const SWEEP_MS = 1_000
const SEARCH_STEPS = 10
const MESSAGES_PER_USER = 10

/** On a loaded Redis: users come, come back, and go, and messages are sent. */
export async function measureOperations(options: {
  redis: Redis
  gateways: LoadedGateways
  registry: ConnectionRegistry
  sender: SenderRouting
  people: Population
  /** How many users come and go. */
  newcomers: number
  idle: RedisWork
}): Promise<Cost[]> {
  const { redis, gateways, registry, sender, people, newcomers, idle } = options
  const topicsOf = (user: number) => [userTopic(people.userId(user)), ...people.conversationTopics(user)]
  const users = () => numbers(people.users, people.users + newcomers)
  for (const user of users()) topicsOf(user)

  /** In the order in which a gateway does it. */
  async function connect(user: number): Promise<void> {
    const [own = '', ...conversations] = topicsOf(user)
    const gateway = gateways.of(user)
    await gateway.addInterest([own])
    await gateway.addInterest(conversations)
    await gateway.addConnection({ connectionId: gateways.connectionId(user), userId: people.userId(user) })
  }

  async function disconnect(user: number): Promise<void> {
    const gateway = gateways.of(user)
    gateway.removeInterest(topicsOf(user))
    await gateway.removeConnection(gateways.connectionId(user), people.userId(user), 'closed')
  }

  const random = randomFrom(people.users)
  const topics = Array.from({ length: MESSAGES_PER_USER * newcomers }, () =>
    people.topic(Math.floor(random() * people.conversations)),
  )
  const all = (work: (user: number) => Promise<void>) => () => sideBySide(users(), AT_ONCE, work)
  const settle = () => settleAll(registry)
  const each = async (name: string, work: () => Promise<unknown>, count = newcomers) =>
    costOf(name, await workOf(redis, work), count, idle)

  const known = () => gateways.all.reduce((sum, { figures }) => sum + figures.topics, 0)
  const knownBefore = known()
  const costs = [
    await each('connect, topics new to the gateway', all(connect)),
    await each('presence, of who came', settle),
    await each('disconnect', all(disconnect)),
    await each('connect again, topics known', all(connect)),
    await each('disconnect, for good', all(disconnect)),
    await each('interest removed', async () => {
      while (known() > knownBefore) await delay(100)
    }),
    await each('presence, of who went', settle),
    await each('message', () => sideBySide(topics, AT_ONCE, (topic) => sender.gatewaysOf([topic])), topics.length),
  ]
  return costs
}

/** What is done every second though nothing happens: by one gateway, and by one presence. */
export async function measureStanding(options: {
  redis: Redis
  url: string
  registry: ConnectionRegistry
  log: Logger
  quietMs: number
}): Promise<Standing & { idle: RedisWork }> {
  const { redis, url, registry, log, quietMs } = options
  const quiet = () => workOf(redis, () => delay(quietMs))
  const idle = await quiet()
  const perSecond = (name: string, work: RedisWork) => costOf(name, work, work.elapsedMs / 1_000, idle)
  await using opened = new AsyncDisposableStack()
  opened.use(await openGatewayRouting({ url, log }))
  const gateway = perSecond('a gateway, each second', await quiet())
  await opened.disposeAsync()
  // It is gone now, and so are the first ids of all, which never had a lease: to be swept before, and searched after.
  await registry.sweepDeadGateways()
  await settleAll(registry)
  await using looking = new AsyncDisposableStack()
  looking.use(repeat('look', { everyMs: LOOK_MS, log }, () => registry.settleDue()))
  looking.use(repeat('sweep', { everyMs: SWEEP_MS, log }, () => registry.sweepDeadGateways()))
  looking.use(repeat('say-whole', { everyMs: SWEEP_MS, log }, () => registry.isWhole()))
  const presence = perSecond('presence, each second', await quiet())
  await looking.disposeAsync()
  const search = await workOf(redis, async () => {
    for (let step = 0; step < SEARCH_STEPS; step++) await registry.forgetDeadInterest()
  })
  return { idle, gateway, presence, search: costOf('presence, search of dead interest', search, SEARCH_STEPS, idle) }
}

/** Without what an idle Redis does in that time anyway. */
function costOf(name: string, work: RedisWork, count: number, idle: RedisWork): Cost {
  const idleUs = (idle.cpuUs / idle.elapsedMs) * work.elapsedMs
  return {
    name,
    commands: work.commandsDone / count,
    cpuUs: Math.max(0, work.cpuUs - idleUs) / count,
    byCommand: Object.fromEntries([...work.commands].map(([command, calls]) => [command, calls / count])),
  }
}
