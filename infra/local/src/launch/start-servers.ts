import { join } from 'node:path'
import { startTogether } from '../processes/start-together.ts'
import { ensureServers } from '../servers/ensure-servers.ts'
import { startNats } from '../servers/nats.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'
import { startS3 } from '../servers/s3.ts'
import type { S3Server } from '../servers/s3-server.ts'
import type { Server } from '../servers/server.ts'
import type { Progress } from './progress.ts'
import type { Settings } from './settings.ts'
import type { StateFile } from './state-file.ts'
import { supervise } from './supervise.ts'

export interface Servers extends AsyncDisposable {
  /** The superuser's, to a database that is always there. */
  readonly postgresUrl: string
  readonly redisUrl: string
  readonly natsUrl: string
  readonly s3: S3Server
}

interface Options {
  readonly home: string
  /** Parley's database, for the state file. */
  readonly database: string
  readonly given: Settings['given']
  /** Of the users of NATS and Redis. */
  readonly passwords: Readonly<Record<'nats' | 'redis', Readonly<Record<string, string>>>>
  readonly progress: Progress
  readonly state: StateFile
  readonly signal: AbortSignal
}

/** Postgres, Redis, NATS and S3, with data that is kept; each is started again on its port when it ends. */
export async function startServers({
  home,
  database,
  given,
  passwords,
  progress,
  state,
  signal,
}: Options): Promise<Servers> {
  await ensureServers(
    [
      ...(given.redisUrl === undefined ? (['redis'] as const) : []),
      ...(given.natsUrl === undefined ? (['nats'] as const) : []),
      ...(given.s3 === undefined ? (['s3'] as const) : []),
    ],
    { logFile: join(home, 'logs', 'apt.log'), during: (what, work) => progress.step(what, work) },
  )

  async function keep<Started extends Server>(
    doing: string,
    start: (port: number | undefined) => Promise<Started>,
  ): Promise<Kept<Started>> {
    const first = await progress.step(
      doing,
      () => start(undefined),
      ({ product, url }) => `${product} on ${new URL(url).host}`,
    )
    const { name } = first
    const port = Number(new URL(first.url).port)
    const url = name === 'postgres' ? withPath(first.url, `/${database}`) : first.url
    const supervision = supervise(first, {
      name: first.product,
      restart: () => start(port),
      onChange: (server) => state.putServer({ name, pid: server?.pid ?? null, url }),
      say: (line) => progress.say(line),
    })
    return { server: first, [Symbol.asyncDispose]: () => supervision[Symbol.asyncDispose]() }
  }

  const of = (name: string) => ({ directory: join(home, name), durable: true, signal })
  const kept = await startTogether([
    keep('Postgres', (port) => startPostgres({ ...of('postgres'), url: given.postgresUrl, port })),
    keep('Redis', (port) => startRedis({ ...of('redis'), url: given.redisUrl, port, passwords: passwords.redis })),
    keep('NATS', (port) => startNats({ ...of('nats'), url: given.natsUrl, port, passwords: passwords.nats })),
    keep('S3', (port) => startS3({ ...of('s3'), ...given.s3, port })),
  ])
  const [postgres, redis, nats, s3] = kept
  return {
    postgresUrl: postgres.server.url,
    redisUrl: redis.server.url,
    natsUrl: nats.server.url,
    s3: s3.server,
    async [Symbol.asyncDispose]() {
      await Promise.all(kept.map((server) => server[Symbol.asyncDispose]()))
    },
  }
}

const withPath = (url: string, pathname: string): string => Object.assign(new URL(url), { pathname }).href

interface Kept<Started extends Server> extends AsyncDisposable {
  readonly server: Started
}
