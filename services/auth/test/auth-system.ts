import { callerOf, connectBus, type Bus, type Callers } from '@parley/bus'
import { auth } from '@parley/contracts'
import { migrate } from '@parley/postgres'
import { silentLog, testDatabase, testDatabaseOn, testNats, type TestServer } from '@parley/testing'
import pg from 'pg'
import { readConfig } from '../src/config.ts'
import { startAuth, type Config } from '../src/service.ts'

/** Where the world thinks auth is: the gateway, which the tests stand in for. */
export const ISSUER = 'https://chat.example'

export type Send = (url: string | URL, init?: RequestInit) => Promise<Response>

export interface TestInstance extends AsyncDisposable {
  /** Where it really listens. */
  readonly origin: string
  /** Asks for a public address, and comes to this instance as through a gateway. */
  readonly send: Send
}

export interface AuthSystem extends AsyncDisposable {
  readonly nats: TestServer
  readonly databaseUrl: string
  /** The gateway's. */
  readonly bus: Bus
  readonly calls: Callers<typeof auth>
  /** `changes` are for what no environment could say, such as an upstream without TLS in production. */
  start(environment?: Record<string, string>, changes?: Partial<Config>): Promise<TestInstance>
  /** The database as its administrator sees it. */
  query<Row extends object>(statement: string): Promise<Row[]>
}

/** A migrated database, on the server of all tests or another one, and a NATS server: any number of instances can be started on them. */
export async function startAuthSystem(postgresUrl?: string): Promise<AuthSystem> {
  await using stack = new AsyncDisposableStack()
  const [database, nats] = await Promise.all([
    postgresUrl === undefined ? testDatabase('auth') : testDatabaseOn(postgresUrl, 'auth'),
    testNats(),
  ])
  stack.use(database)
  stack.use(nats)
  await migrateAuth(database.url)
  const bus = stack.use(await connectBus({ url: nats.url, service: 'gateway', log: silentLog }))
  const started = stack.move()
  return {
    nats,
    databaseUrl: database.url,
    bus,
    calls: callerOf(bus, auth),
    async query(statement) {
      const client = new pg.Client({ connectionString: database.adminUrl })
      await client.connect()
      try {
        return (await client.query(statement)).rows
      } finally {
        await client.end()
      }
    },
    start: (environment, changes) =>
      startInstance({ NATS_URL: nats.url, POSTGRES_URL: database.url, ...environment }, changes),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

export const migrateAuth = (url: string): Promise<string[]> =>
  migrate({ url, service: 'auth', folder: new URL('../migrations/', import.meta.url), log: silentLog })

export async function startInstance(
  environment: Record<string, string>,
  changes: Partial<Config> = {},
): Promise<TestInstance> {
  const instance = await startAuth({ ...readConfig({ ...defaults, ...environment }), ...changes })
  const origin = `http://127.0.0.1:${instance.port}`
  return {
    origin,
    send(url, init) {
      const { pathname, search } = new URL(url, ISSUER)
      return fetch(`${origin}${pathname}${search}`, { ...init, redirect: 'manual' })
    },
    [Symbol.asyncDispose]: () => instance[Symbol.asyncDispose](),
  }
}

export const defaults = {
  PARLEY_ENV: 'development',
  PARLEY_PUBLIC_URL: ISSUER,
  HTTP_HOST: '127.0.0.1',
  HTTP_PORT: '0',
  LOG_LEVEL: 'silent',
  AUTH_SECRET: 'a secret of the tests, long enough',
}
