import { callerOf, connectBus, must } from '@parley/bus'
import { presence, PresenceNotice, type UserPresence } from '@parley/contracts'
import type { InputOf, SetStatus } from '@parley/protocol'
import { migrate } from '@parley/postgres'
import { silentLog, testDatabase, testDatabaseOn, testNats, testRedis, type TestServer } from '@parley/testing'
import { readConfig, type Config } from '../src/config.ts'
import { startPresence, type Pace, type Presence } from '../src/service.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'

/** All faster than in life. */
const PACE: Pace = {
  lookEveryMs: 20,
  beatEveryMs: 50,
  sweepEveryMs: 50,
  storeEveryMs: 50,
  settlingMs: 300,
  silentAfterMs: 500,
}

export interface Said {
  readonly what: string
  readonly userId: string
  readonly version: number
  readonly at: string
  readonly status: string
  readonly text: string | null
}

export type StatusChange = InputOf<typeof SetStatus>

/** Presence with everything it needs, and gateways as it sees them. */
export interface World extends AsyncDisposable {
  readonly config: Config
  readonly nats: TestServer
  readonly redis: TestServer
  /** Every event so far, as a hearer takes them: what is not newer than what it has is dropped. */
  readonly said: readonly Said[]
  /** Every event so far, old and repeated ones too. */
  readonly heard: readonly Said[]
  /** Of one user, in words: `online`, `offline`, or the new status after `status-changed`. */
  saidOf(userId: string): string[]
  /** Every notice so far. */
  readonly notices: readonly PresenceNotice[]
  /** The changes of one user, as gateways hear them. */
  noticedOf(userId: string): UserPresence[]
  start(changed?: Partial<Config>): Promise<Presence>
  gateway(): Promise<TestGateway>
  /** How many events JetStream has stored. */
  storedEvents(): Promise<number>
  ask(userIds: readonly string[]): Promise<UserPresence[]>
  /** Answers with the status, or the code of the refusal. */
  set(userId: string, change: StatusChange): Promise<unknown>
  get(userId: string): Promise<unknown>
  statusOf(userId: string): Promise<string>
}

/** With `postgresUrl` on that server, which the test wants to kill. */
export async function startWorld(postgresUrl?: string): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await testNats())
  const redis = stack.use(await testRedis())
  const database = await (postgresUrl ? testDatabaseOn(postgresUrl, 'presence') : testDatabase('presence'))
  if (postgresUrl === undefined) stack.use(database)
  const migrations = new URL('../migrations/', import.meta.url)
  await migrate({ url: database.url, service: 'presence', folder: migrations, log: silentLog })
  const config = readConfig({
    NATS_URL: nats.url,
    POSTGRES_URL: database.url,
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
  const heard: Said[] = []
  const newest = new Map<string, number>()
  bus.nats.subscribe('presence.event.>', {
    callback: (_, message) => {
      const what = message.subject.split('.')[2]?.replace('user-', '') ?? ''
      const event = message.json<Omit<Said, 'what'>>()
      heard.push({ what, ...event })
      if (event.version <= (newest.get(event.userId) ?? 0)) return
      newest.set(event.userId, event.version)
      said.push({ what, ...event })
    },
  })
  const notices: PresenceNotice[] = []
  bus.nats.subscribe('presence.notice.changed', {
    callback: (_, message) => void notices.push(PresenceNotice.parse(message.json())),
  })
  await bus.nats.flush()

  async function ask(userIds: readonly string[]) {
    return must(await calls.getPresence({ userIds: [...userIds] })).states
  }

  const world = stack.move()
  return {
    config,
    nats,
    redis,
    said,
    heard,
    saidOf: (userId) =>
      said
        .filter((event) => event.userId === userId)
        .map(({ what, status }) => (what === 'status-changed' ? status : what)),
    notices,
    noticedOf: (userId) => notices.flatMap(({ changes }) => changes).filter((change) => change.userId === userId),
    start: async (changed) => world.use(await startPresence({ ...config, ...changed }, PACE)),
    gateway: async () => world.use(await startTestGateway(nats.url, redis.url)),
    async storedEvents() {
      const manager = await bus.nats.jetstreamManager()
      return (await manager.streams.info('PRESENCE')).state.messages
    },
    ask,
    async set(userId, change) {
      const answer = await calls.setStatus({ actor: { userId, scopes: [] }, ...change })
      return answer.ok ? answer.value : answer.refusal.code
    },
    async get(userId) {
      const answer = await calls.getStatus({ actor: { userId, scopes: [] } })
      return answer.ok ? answer.value : answer.refusal.code
    },
    statusOf: async (userId) => (await ask([userId]))[0]?.status ?? 'missing',
    [Symbol.asyncDispose]: () => world.disposeAsync(),
  }
}
