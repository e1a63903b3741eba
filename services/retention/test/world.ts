import { callerOf, connectBus, serve, type Callers, type Handler, type Handlers } from '@parley/bus'
import {
  auth,
  media,
  messaging,
  presence,
  retention,
  type Call as AnyCall,
  type Contract,
  type PayloadOf,
  type RequestOf,
} from '@parley/contracts'
import { migrate, openPostgres } from '@parley/postgres'
import type { RunKind } from '@parley/protocol'
import type { Clock } from '@parley/runtime'
import { silentLog, testDatabase, testDatabaseOn, testNats, testS3 } from '@parley/testing'
import { sql, type Kysely } from 'kysely'
import { startRetention, type Config } from '../src/service.ts'
import type { RunRow, Tables } from '../src/store/tables.ts'

type Event = PayloadOf<(typeof retention)['events']['runFinished']>

const contracts = { auth, media, messaging, presence } as const
type Owner = keyof typeof contracts
/** What the owners of data are asked, as `owner.call`. */
type Asked = {
  [Name in Owner as `${Name}.${Extract<keyof (typeof contracts)[Name]['calls'], string>}`]: Name
}
type CallOf<Path extends keyof Asked> = Path extends `${infer Name extends Owner}.${infer Call}`
  ? Extract<(typeof contracts)[Name]['calls'][Call & keyof (typeof contracts)[Name]['calls']], AnyCall>
  : never
type Answers = { [Path in SteeredCall]: Handler<CallOf<Path>> }

const steered = [
  'messaging.createMonths',
  'messaging.dropMonths',
  'messaging.expireMessages',
  'messaging.setRetentionRules',
  'messaging.setConversationRetention',
  'messaging.applyHolds',
  'messaging.previewRetention',
  'messaging.oldestMessage',
  'messaging.findRemains',
  'auth.findRemains',
  'media.findRemains',
  'presence.findRemains',
  'auth.getUsers',
  'auth.eraseUser',
  'messaging.eraseUser',
  'media.eraseUser',
  'presence.eraseUser',
  'auth.exportUser',
  'messaging.exportUser',
  'media.exportUser',
  'presence.exportUser',
] as const satisfies readonly (keyof Asked)[]
type SteeredCall = (typeof steered)[number]

/** What retention meets: its servers, and owners of data that a test can steer. */
export interface World extends AsyncDisposable {
  readonly config: Config
  readonly natsUrl: string
  readonly clock: Clock & { set(time: string): void }
  /** What was asked, in order, by owner and call. */
  readonly asked: { readonly [Path in SteeredCall]: RequestOf<CallOf<Path>>[] }
  /** What is answered from now on. */
  readonly answers: Answers
  /** As retention asks. */
  readonly owners: { readonly [Name in Owner]: Callers<(typeof contracts)[Name]> }
  /** As the gateway asks. */
  readonly calls: Callers<typeof retention>
  /** Starts an instance, which ends with the world at the latest. */
  start(pace?: {
    leadEveryMs?: number
    firstRetryMs?: number
    settledMs?: number
    catchUpMs?: number
  }): Promise<Awaited<ReturnType<typeof startRetention>>>
  stopMessaging(): Promise<void>
  startMessaging(): Promise<void>
  readonly db: Kysely<Tables>
  /** All runs of these kinds, the oldest first. */
  runs(...kinds: RunKind[]): Promise<RunRow[]>
  /** Runs that were told to have ended, in order. */
  events(): Promise<Event[]>
  /** What was told for the audit log, in order. */
  decisions(): Promise<PayloadOf<(typeof retention)['events']['decided']>[]>
  /** The connections that hold the leader's lock. */
  leaders(): Promise<number[]>
  terminate(connection: number): Promise<void>
}

export const nothing = { conversations: 0, messages: 0, files: 0, fileBytes: 0, heldMessages: 0, isComplete: true }
export const admin = { userId: '00000000-0000-4000-8000-000000000001', scopes: ['admin'] }
const erased = async () => ({ counts: {}, cursor: null, outcome: 'done' as const })
const nothingKept = async () => ({ records: [], files: [], cursor: null })
const nothingRemains = async () => ({ counts: {}, findings: [], cursor: null })

export const made = { created: ['messages_2026_12'], months: ['messages_2026_11', 'messages_2026_12'] }

/** Within this, what should happen has happened, on a busy machine too. */
export const soon = { timeout: 10_000 }

export const s3ForTest = (s3: Awaited<ReturnType<typeof testS3>>): Config['s3'] => ({
  endpoint: s3.endpoint,
  publicEndpoint: undefined,
  region: s3.region,
  bucket: s3.bucket,
  prefix: '',
  forcePathStyle: true,
  encryption: undefined,
  credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
})

/** A schedule that does not come in a test. */
const NEVER = '0 0 29 2 *'

/** On the Postgres server of the run, or on another one. */
export async function createWorld(
  { schedules, ...config }: Partial<Omit<Config, 'schedules'>> & { schedules?: Partial<Config['schedules']> } = {},
  postgresUrl?: string,
): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(
    postgresUrl === undefined ? await testDatabase('retention') : await testDatabaseOn(postgresUrl, 'retention'),
  )
  const s3 = await testS3()
  const nats = stack.use(await testNats())
  const folder = new URL('../migrations/', import.meta.url)
  await migrate({ url: database.url, service: 'retention', folder, log: silentLog })
  const { db } = stack.use(openPostgres<Tables>({ url: database.url, service: 'test', log: silentLog }))
  const admin = stack.use(openPostgres<unknown>({ url: database.adminUrl, service: 'test', log: silentLog }))
  const bus = stack.use(await connectBus({ url: nats.url, service: 'messaging', log: silentLog }))

  const asked = Object.fromEntries(steered.map((path) => [path, []])) as unknown as World['asked']
  const answers: Answers = {
    'messaging.createMonths': async () => made,
    'messaging.dropMonths': async () => ({ dropped: [], busy: [], kept: [] }),
    'messaging.expireMessages': async () => ({ counts: {}, cursor: null, outcome: 'done' }),
    'messaging.setRetentionRules': async () => ({}),
    'messaging.setConversationRetention': async () => ({}),
    'messaging.applyHolds': async () => ({}),
    'messaging.previewRetention': async () => nothing,
    'messaging.oldestMessage': async () => ({ createdAt: null }),
    'messaging.findRemains': nothingRemains,
    'auth.findRemains': nothingRemains,
    'media.findRemains': nothingRemains,
    'presence.findRemains': nothingRemains,
    'auth.eraseUser': erased,
    'messaging.eraseUser': erased,
    'media.eraseUser': erased,
    'presence.eraseUser': erased,
    'auth.exportUser': nothingKept,
    'messaging.exportUser': nothingKept,
    'media.exportUser': nothingKept,
    'presence.exportUser': nothingKept,
    'auth.getUsers': async ({ userIds }) => ({
      users: userIds.map((id) => ({
        id,
        displayName: 'somebody',
        avatarUrl: null,
        createdAt: '2026-01-01T00:00:00.000Z',
      })),
    }),
  }

  /** Answers for an owner what the test says. */
  function stand(owner: Owner): Promise<AsyncDisposable> {
    const paths = steered.filter((path) => path.startsWith(`${owner}.`))
    const handlers = paths.map((path) => [
      path.slice(owner.length + 1),
      (request: never, context: never) => {
        asked[path].push(request)
        return answers[path](request, context)
      },
    ])
    return serve<Contract>(bus, contracts[owner], Object.fromEntries(handlers) as Partial<Handlers<Contract>>)
  }
  for (const owner of ['auth', 'media', 'presence'] as const) stack.use(await stand(owner))
  let serving: AsyncDisposable | undefined
  async function startMessaging(): Promise<void> {
    serving = await stand('messaging')
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
    s3: s3ForTest(s3),
    exportDays: 7,
    confirmAbove: 1_000,
    leaveDefaultToMonths: false,
    schedules: { 'create-months': NEVER, expire: NEVER, 'drop-months': NEVER, verify: NEVER, ...schedules },
    ...config,
  }

  async function told<Payload>(subject: string): Promise<Payload[]> {
    const { streams } = await bus.nats.jetstreamManager()
    const { state } = await streams.info('RETENTION')
    const events: Payload[] = []
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      const message = await streams.getMessage('RETENTION', { seq })
      if (message.subject === subject) events.push(JSON.parse(new TextDecoder().decode(message.data)) as Payload)
    }
    return events
  }

  const world = stack.move()
  return {
    config: settings,
    clock,
    natsUrl: nats.url,
    asked,
    answers,
    owners: {
      auth: callerOf(bus, auth),
      media: callerOf(bus, media),
      messaging: callerOf(bus, messaging),
      presence: callerOf(bus, presence),
    },
    calls: callerOf(bus, retention),
    start: async (pace = {}) =>
      world.use(await startRetention(settings, { clock, leadEveryMs: 100, firstRetryMs: 100, settledMs: 0, ...pace })),
    stopMessaging,
    startMessaging,
    db,
    runs: (...kinds) =>
      db
        .selectFrom('runs')
        .selectAll()
        .$if(kinds.length > 0, (query) => query.where('kind', 'in', kinds))
        .orderBy('id')
        .execute(),
    events: () => told<Event>('retention.event.run-finished'),
    decisions: () => told('retention.event.decided'),
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
