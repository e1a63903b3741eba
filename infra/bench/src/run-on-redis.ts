import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureServers, startRedis } from '@parley/local'
import { openConnectionRegistry, openSenderRouting } from '@parley/routing'
import { createLogger, repeat } from '@parley/runtime'
import { Redis } from 'ioredis'
import { openGateways } from './loaded-gateways.ts'
import { measureCapacity, type Capacity } from './measure-capacity.ts'
import { measureMemory, type MemoryFigures } from './measure-memory.ts'
import { measureOperations, measureStanding, type Cost, type Standing } from './measure-operations.ts'
import { population } from './population.ts'

export interface RedisFigures {
  readonly memory: MemoryFigures
  readonly costs: readonly Cost[]
  readonly standing: Standing
  readonly capacities: readonly Capacity[]
  /** How often a gateway had to register everything again, because the machine was too busy. */
  readonly doubts: number
}

/** A gateway announces itself so often. */
const ANNOUNCE_MS = 1_000

/** Starts a Redis, fills it, and measures what it holds and does. */
export async function runOnRedis(options: {
  users: number
  conversations: number
  gateways: number
  perUser: number
  newcomers: number
  /** How long to measure what is done while nothing happens. */
  quietMs: number
  /** How long to measure each thing that Redis can do. */
  saturateMs: number
  say: (line: string) => void
}): Promise<RedisFigures> {
  const { say } = options
  const log = createLogger({ service: 'bench', level: 'error' })
  const people = population(options)
  await using stack = new AsyncDisposableStack()
  await ensureServers(['redis'], { logFile: join(tmpdir(), 'parley-bench-apt.log') })
  const directory = await mkdtemp(join(tmpdir(), 'parley-bench-redis-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const server = stack.use(await startRedis({ directory, durable: false }))
  const { url } = server
  const gateways = stack.use(await openGateways({ url, gateways: options.gateways, people, log }))
  const readStatuses = () => Promise.resolve(new Map())
  const registry = stack.use(await openConnectionRegistry({ url, log, readStatuses, settlingMs: 0 }))
  const sender = stack.use(await openSenderRouting({ url, log, settlingMs: 0 }))
  const redis = new Redis(url)
  stack.defer(() => redis.disconnect())
  // Gateways would take their leave topic by topic: not of a Redis that is gone.
  stack.use(server)
  const announce = async () => {
    for (const { announcement } of gateways.all) {
      registry.hear(announcement)
      sender.hear(announcement)
    }
  }
  await announce()
  stack.use(repeat('announce', { everyMs: ANNOUNCE_MS, log }, announce))

  const memory = await measureMemory({ redis, gateways, registry, people, say })
  const { idle, ...standing } = await measureStanding({ ...options, redis, url, registry, log })
  say('measuring what coming, going and sending cost')
  const costs = await measureOperations({ ...options, redis, gateways, registry, sender, people, idle })
  say('measuring what Redis can do')
  const capacities = await measureCapacity({ redis, url, loaded: gateways, people, log, forMs: options.saturateMs })
  return { memory, costs, standing, capacities, doubts: gateways.doubts }
}
