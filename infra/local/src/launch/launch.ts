import { join } from 'node:path'
import { permissions } from '@parley/nats'
import { prepareDatabase } from '../prepare-database.ts'
import { stopLeftovers } from '../processes/process-record.ts'
import { postgresDirectory } from '../servers/postgres.ts'
import { redisUsers } from '../servers/redis.ts'
import { createBucket } from '../servers/s3-client.ts'
import { lockClone } from './clone-lock.ts'
import { requireFreePorts } from './port-owner.ts'
import type { Progress } from './progress.ts'
import { runDirectory } from './run-service.ts'
import { openSecrets } from './secrets.ts'
import type { Stages } from './services.ts'
import type { Environment, Settings } from './settings.ts'
import { startServers } from './start-servers.ts'
import { startServices } from './start-services.ts'
import { openStateFile } from './state-file.ts'

export interface Launch {
  readonly clone: string
  /** Everything that is kept and written: `.parley` of the clone. */
  readonly home: string
  readonly publicUrl: string
  readonly stages: Stages
  readonly settings: Settings
  readonly environment: Environment
  readonly progress: Progress
  /** Aborted when everything is to stop, which may be in the middle of the start. */
  readonly signal: AbortSignal
}

const DATABASE = 'parley'

/** Starts everything in order. Disposing stops it in reverse, and leaves alone what it has not started. */
export async function launch(options: Launch): Promise<AsyncDisposable> {
  const { home, settings, stages, progress, signal } = options
  const services = stages.flat()
  await using stack = new AsyncDisposableStack()
  stack.use(await lockClone(home))
  await stopEarlier(home, progress)
  await requireFreePorts(services.flatMap(({ port }) => (port === undefined ? [] : [port])))
  const state = stack.use(openStateFile(join(home, 'state.json')))
  const secret = openSecrets(join(home, 'secrets.json'))

  const { given } = settings
  const passwordsOf = (server: string, users: readonly string[]) =>
    Object.fromEntries(users.map((user) => [user, secret(`${server} ${user}`)]))
  const passwords = { nats: passwordsOf('nats', Object.keys(permissions())), redis: passwordsOf('redis', redisUsers) }
  const servers = stack.use(await startServers({ ...options, database: DATABASE, given, passwords, state }))
  signal.throwIfAborted()
  const stores = services.filter(({ migrate }) => migrate !== undefined).map(({ kind }) => kind)
  const postgresUrls = await progress.step('database', async () => {
    const passwords = Object.fromEntries(stores.map((store) => [store, secret(`postgres ${store}`)]))
    return prepareDatabase(servers.postgresUrl, { database: DATABASE, services: stores, passwords })
  })
  await progress.step('bucket', () => createBucket(servers.s3, settings.bucket))
  signal.throwIfAborted()

  stack.use(
    await startServices({
      ...options,
      state,
      surroundings: {
        logLevel: settings.logLevel,
        publicUrl: options.publicUrl,
        natsUrl: (service) => given.natsUrl ?? withUser(servers.natsUrl, service, passwords.nats),
        redisUrl: (service) => given.redisUrl ?? withUser(servers.redisUrl, service, passwords.redis),
        s3: { ...servers.s3, bucket: settings.bucket },
        postgresUrl: (service) => postgresUrls[service] ?? '',
        secret,
      },
    }),
  )
  return stack.move()
}

function withUser(url: string, user: string, passwords: Readonly<Record<string, string>>): string {
  return Object.assign(new URL(url), { username: user, password: passwords[user] ?? '' }).href
}

/** A start that was killed could not stop what it had started. */
async function stopEarlier(home: string, progress: Progress): Promise<void> {
  const services = await stopLeftovers(runDirectory(home))
  const directories = [
    await postgresDirectory(join(home, 'postgres')),
    ...['redis', 'nats', 's3'].map((server) => join(home, server)),
  ]
  const servers = await Promise.all(directories.map((directory) => stopLeftovers(directory)))
  const stopped = [...services, ...servers.flat()]
  if (stopped.length > 0) progress.say(`  ✓ stopped what an earlier start had left: ${stopped.join(', ')}`)
}
