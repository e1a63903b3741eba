import type { Service, Stages } from '@parley/local'
import { testNats, testPostgres, type TestServer } from '@parley/testing'
import { Redis } from 'ioredis'
import pg from 'pg'
import { startCuttingProxy, type CuttingProxy } from './cutting-proxy.ts'
import { seededRandom } from './seeded-random.ts'
import { startSystem, type System } from './start-system.ts'
import { startUnreliableNats, type UnreliableNats } from './unreliable-nats.ts'

/** All of Parley with two of `messaging`, called `messaging-1` and `messaging-2`, and whatever it stands on can be broken. */
export interface FragileSystem extends System {
  readonly nats: TestServer
  readonly postgres: TestServer
  /** Between NATS on one side, the gateways and `messaging` on the other. Does nothing until its faults are set. */
  readonly notices: UnreliableNats
  /** Between `messaging` and Postgres; of concern are the commits of messages. Does nothing until it is told to. */
  readonly commits: CuttingProxy
  /** Redis forgets everything. */
  emptyRedis(): Promise<void>
  /** Postgres, if it is there, ends all its connections to `messaging`. Resolves with how many. */
  endBackends(): Promise<number>
}

export async function startFragileSystem({ seed }: { seed: number }): Promise<FragileSystem> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await testNats())
  const postgres = stack.use(await testPostgres())
  const notices = stack.use(await startUnreliableNats(nats.url, { seed }))
  const random = seededRandom(seed)
  const commits = stack.use(await startCuttingProxy(postgres.url, { word: 'send_messages', random }))
  const system = stack.use(
    await startSystem({
      environment: { NATS_URL: nats.url, POSTGRES_URL: postgres.url },
      arrange: (stages) =>
        reachedThrough(withTwoOfMessaging(stages), { natsUrl: notices.url, postgresUrl: commits.url }),
    }),
  )
  const started = stack.move()
  return {
    ...system,
    nats,
    postgres,
    notices,
    commits,
    async emptyRedis() {
      const redis = new Redis(system.redisUrl)
      try {
        await redis.flushall()
      } finally {
        redis.disconnect()
      }
    },
    async endBackends() {
      const client = new pg.Client({ connectionString: system.adminUrl })
      client.on('error', () => undefined)
      try {
        await client.connect()
        const { rowCount } = await client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'messaging'`,
        )
        return rowCount ?? 0
      } catch {
        return 0
      } finally {
        await client.end()
      }
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function withTwoOfMessaging(stages: Stages): Stages {
  return stages.map((stage) =>
    stage.flatMap((service): Service[] => {
      if (service.kind !== 'messaging') return [service]
      const { migrate: _once, ...second } = service
      return [
        { ...service, name: 'messaging-1' },
        { ...second, name: 'messaging-2' },
      ]
    }),
  )
}

/** The gateways and `messaging` reach NATS, and `messaging` reaches Postgres, at these addresses. */
function reachedThrough(stages: Stages, { natsUrl, postgresUrl }: { natsUrl: string; postgresUrl: string }): Stages {
  const { hostname, port } = new URL(postgresUrl)
  return stages.map((stage) =>
    stage.map((service): Service => {
      if (service.kind !== 'messaging' && service.kind !== 'gateway') return service
      return {
        ...service,
        environment(it) {
          const given = service.environment(it)
          const { POSTGRES_URL } = given
          if (POSTGRES_URL === undefined) return { ...given, NATS_URL: natsUrl }
          const proxied = Object.assign(new URL(POSTGRES_URL), { hostname, port }).href
          return { ...given, NATS_URL: natsUrl, POSTGRES_URL: proxied }
        },
      }
    }),
  )
}
