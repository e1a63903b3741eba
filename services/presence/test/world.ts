import { randomUUID } from 'node:crypto'
import { callerOf, connectBus, must } from '@parley/bus'
import { presence } from '@parley/contracts'
import { migrate } from '@parley/postgres'
import { silentLog, testDatabase, testNats, testRedis, type TestServer } from '@parley/testing'
import { readConfig, type Config } from '../src/config.ts'
import { startPresence, type Pace, type Presence } from '../src/service.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'

/** All faster than in life. */
const PACE: Pace = { lookEveryMs: 20, sweepEveryMs: 50, storeEveryMs: 50, settlingMs: 300, silentAfterMs: 500 }

export interface Said {
  readonly what: string
  readonly userId: string
  readonly version: number
  readonly at: string
}

/** Presence with everything it needs, and gateways as it sees them. */
export interface World extends AsyncDisposable {
  readonly config: Config
  readonly nats: TestServer
  readonly redis: TestServer
  /** Every event so far, as a hearer takes them: what is not newer than what it has is dropped. */
  readonly said: readonly Said[]
  /** Of one user, in words: `online`, `offline`. */
  saidOf(userId: string): string[]
  start(changed?: Partial<Config>): Promise<Presence>
  gateway(): Promise<TestGateway>
  /** How many events JetStream has stored. */
  storedEvents(): Promise<number>
  ask(userIds: readonly string[]): Promise<{ userId: string; status: string; lastSeenAt: string | null }[]>
  statusOf(userId: string): Promise<string>
}

export async function startWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await testNats())
  const redis = stack.use(await testRedis())
  const { url: postgresUrl } = stack.use(await testDatabase('presence'))
  const migrations = new URL('../migrations/', import.meta.url)
  await migrate({ url: postgresUrl, service: 'presence', folder: migrations, log: silentLog })
  const config = readConfig({
    NATS_URL: nats.url,
    POSTGRES_URL: postgresUrl,
    REDIS_URL: redis.url,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    LOG_LEVEL: 'silent',
    PRESENCE_DEAD_GATEWAY_GRACE_SECONDS: '1',
    PRESENCE_LAST_SEEN_SECONDS: '1',
  })
  const bus = stack.use(await connectBus({ url: nats.url, service: 'gateway', log: silentLog }))
  const calls = callerOf(bus, presence)
  const said: Said[] = []
  const newest = new Map<string, number>()
  bus.nats.subscribe('presence.event.>', {
    callback: (_, message) => {
      const what = message.subject.split('.')[2]?.replace('user-', '') ?? ''
      const event = message.json<Omit<Said, 'what'>>()
      if (event.version <= (newest.get(event.userId) ?? 0)) return
      newest.set(event.userId, event.version)
      said.push({ what, ...event })
    },
  })
  await bus.nats.flush()

  async function ask(userIds: readonly string[]) {
    const actor = { userId: randomUUID(), scopes: [] }
    return must(await calls.getPresence({ actor, userIds: [...userIds] })).states
  }

  const world = stack.move()
  return {
    config,
    nats,
    redis,
    said,
    saidOf: (userId) => said.filter((event) => event.userId === userId).map(({ what }) => what),
    start: async (changed) => world.use(await startPresence({ ...config, ...changed }, PACE)),
    gateway: async () => world.use(await startTestGateway(nats.url, redis.url)),
    async storedEvents() {
      const manager = await bus.nats.jetstreamManager()
      return (await manager.streams.info('PRESENCE')).state.messages
    },
    ask,
    statusOf: async (userId) => (await ask([userId]))[0]?.status ?? 'missing',
    [Symbol.asyncDispose]: () => world.disposeAsync(),
  }
}
