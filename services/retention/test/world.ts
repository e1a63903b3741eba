import { connectBus, serve, type Handler } from '@parley/bus'
import { messaging, type PayloadOf, type RequestOf, type retention } from '@parley/contracts'
import { migrate, openPostgres } from '@parley/postgres'
import type { Clock } from '@parley/runtime'
import { silentLog, testDatabase, testDatabaseOn, testNats } from '@parley/testing'
import { sql, type Kysely, type Selectable } from 'kysely'
import { startRetention, type Config } from '../src/service.ts'
import type { RunsTable, Tables } from '../src/store/tables.ts'

type Calls = (typeof messaging)['calls']
type Event = PayloadOf<(typeof retention)['events']['runFinished']>

/** What retention meets: its servers, and a `messaging` that a test can steer. */
export interface World extends AsyncDisposable {
  readonly config: Config
  readonly clock: Clock & { set(time: string): void }
  /** What was asked of `messaging`, in order. */
  readonly asked: {
    createMonths: RequestOf<Calls['createMonths']>[]
    dropMonths: RequestOf<Calls['dropMonths']>[]
  }
  /** What `messaging` answers from now on. */
  readonly answers: { createMonths: Handler<Calls['createMonths']>; dropMonths: Handler<Calls['dropMonths']> }
  /** Starts an instance, which ends with the world at the latest. */
  start(pace?: { leadEveryMs?: number; firstRetryMs?: number }): Promise<Awaited<ReturnType<typeof startRetention>>>
  stopMessaging(): Promise<void>
  startMessaging(): Promise<void>
  readonly db: Kysely<Tables>
  /** All runs, the oldest first. */
  runs(): Promise<Selectable<RunsTable>[]>
  /** What was told, in order. */
  events(): Promise<Event[]>
  /** The connections that hold the leader's lock. */
  leaders(): Promise<number[]>
  terminate(connection: number): Promise<void>
}

export const made = { created: ['messages_2026_12'], months: ['messages_2026_11', 'messages_2026_12'] }

/** Within this, what should happen has happened, on a busy machine too. */
export const soon = { timeout: 10_000 }

/** A schedule that does not come in a test. */
const NEVER = '0 0 29 2 *'

/** On the Postgres server of the run, or on another one. */
export async function createWorld(config: Partial<Config> = {}, postgresUrl?: string): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(
    postgresUrl === undefined ? await testDatabase('retention') : await testDatabaseOn(postgresUrl, 'retention'),
  )
  const nats = stack.use(await testNats())
  const folder = new URL('../migrations/', import.meta.url)
  await migrate({ url: database.url, service: 'retention', folder, log: silentLog })
  const { db } = stack.use(openPostgres<Tables>({ url: database.url, service: 'test', log: silentLog }))
  const admin = stack.use(openPostgres<unknown>({ url: database.adminUrl, service: 'test', log: silentLog }))
  const bus = stack.use(await connectBus({ url: nats.url, service: 'messaging', log: silentLog }))

  const asked: World['asked'] = { createMonths: [], dropMonths: [] }
  const answers: World['answers'] = {
    createMonths: async () => made,
    dropMonths: async () => ({ dropped: [], busy: [] }),
  }
  let serving: AsyncDisposable | undefined
  async function startMessaging(): Promise<void> {
    serving = await serve(bus, messaging, {
      createMonths: (request, context) => {
        asked.createMonths.push(request)
        return answers.createMonths(request, context)
      },
      dropMonths: (request, context) => {
        asked.dropMonths.push(request)
        return answers.dropMonths(request, context)
      },
    })
  }
  async function stopMessaging(): Promise<void> {
    await serving?.[Symbol.asyncDispose]()
  }
  await startMessaging()

  let now = new Date('2026-11-22T12:00:00.000Z')
  const clock = { now: () => now, set: (time: string) => void (now = new Date(time)) }
  const settings: Config = {
    environment: 'development',
    logLevel: 'silent',
    http: { host: '127.0.0.1', port: 0 },
    natsUrl: nats.url,
    postgresUrl: database.url,
    retentionDays: 365,
    monthsAhead: 3,
    schedules: { createMonths: NEVER, dropMonths: NEVER },
    ...config,
  }

  const world = stack.move()
  return {
    config: settings,
    clock,
    asked,
    answers,
    start: async (pace = {}) =>
      world.use(await startRetention(settings, { clock, leadEveryMs: 100, firstRetryMs: 100, ...pace })),
    stopMessaging,
    startMessaging,
    db,
    runs: () => db.selectFrom('runs').selectAll().orderBy('id').execute(),
    async events() {
      const { streams } = await bus.nats.jetstreamManager()
      const { state } = await streams.info('RETENTION')
      const told: Event[] = []
      for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
        const { data } = await streams.getMessage('RETENTION', { seq })
        told.push(JSON.parse(new TextDecoder().decode(data)) as Event)
      }
      return told
    },
    async leaders() {
      const { rows } = await sql<{ pid: number }>`
        select pid from pg_locks where locktype = 'advisory' and granted
          and database = (select oid from pg_database where datname = current_database())`.execute(admin.db)
      return rows.map(({ pid }) => pid)
    },
    async terminate(connection) {
      await sql`select pg_terminate_backend(${connection})`.execute(admin.db)
    },
    [Symbol.asyncDispose]: () => world.disposeAsync(),
  }
}
