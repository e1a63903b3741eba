import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, launch, parleyServices, readSettings, type Stages, type State } from '@parley/local'
import { testS3 } from '@parley/testing'
import { vi } from 'vitest'

/** All of Parley as `npm start` runs it, as processes that can be killed, with servers, ports and data of its own. */
export interface System extends AsyncDisposable {
  readonly gatewayUrls: readonly [string, string]
  /** Postgres, as its superuser. */
  readonly adminUrl: string
  readonly natsUrl: string
  readonly redisUrl: string
  /** Where each service's log is, as `<name>.log`. */
  readonly logDirectory: string
  /** Ends a service without a word, as `kill -9` does. */
  kill(service: string): Promise<void>
  /** Asks a service to stop in good order, as an orchestrator does. What ends is started again. */
  stop(service: string): Promise<void>
  /** A service does nothing until it is resumed: it neither ends nor hears anything. */
  pause(service: string): Promise<void>
  resume(service: string): Promise<void>
  /** Waits until a service that was killed or stopped runs again and is ready. */
  untilBack(service: string): Promise<void>
  /** Waits until all services are ready. */
  untilReady(): Promise<void>
}

export interface SystemOptions {
  /** Variables of `npm start`: the servers that run already, such as `NATS_URL`, and what services are told by their prefix. */
  readonly environment?: Readonly<Record<string, string>>
  /** Runs the services otherwise than `npm start` does. */
  readonly arrange?: (stages: Stages) => Stages
}

const CLONE = join(import.meta.dirname, '../../..')
const BACK_TIMEOUT_MS = 30_000

export async function startSystem({ environment, arrange }: SystemOptions = {}): Promise<System> {
  await using stack = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'parley-system-'))
  stack.defer(() => rm(home, { recursive: true, force: true }))
  await chmod(home, 0o711) // As root, Postgres runs as another user and has to get through.
  const [s3, firstPort, secondPort] = await Promise.all([testS3(), freePort(), freePort()])
  const stopping = new AbortController()
  const stages = parleyServices(CLONE, [firstPort, secondPort])
  stack.use(
    await launch({
      clone: CLONE,
      home,
      publicUrl: `http://localhost:${firstPort}`,
      stages: arrange?.(stages) ?? stages,
      settings: readSettings({
        LOG_LEVEL: 'info',
        S3_ENDPOINT: s3.endpoint,
        S3_REGION: s3.region,
        S3_BUCKET: s3.bucket,
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        ...environment,
      }),
      environment: { ...process.env, ...environment },
      progress: { step: (_doing, work) => work(), say: () => undefined },
      signal: stopping.signal,
    }),
  )

  const readState = async (): Promise<State> => JSON.parse(await readFile(join(home, 'state.json'), 'utf8')) as State
  const { servers } = await readState()
  const urlOf = (name: string) => servers.find((server) => server.name === name)?.url ?? ''
  /** By service, the process that is to end. */
  const ending = new Map<string, number>()
  async function find(name: string) {
    const { services } = await readState()
    const found = services.find((service) => service.name === name)
    if (found === undefined) throw new Error(`there is no service ${name}`)
    return found
  }

  async function signal(name: string, signalName: NodeJS.Signals): Promise<number> {
    const { pid } = await find(name)
    if (pid === null) throw new Error(`${name} does not run`)
    process.kill(pid, signalName)
    return pid
  }

  const untilEventually = (isSo: () => Promise<boolean>) =>
    vi.waitUntil(isSo, { timeout: BACK_TIMEOUT_MS, interval: 100 })

  const started = stack.move()
  return {
    gatewayUrls: [`http://localhost:${firstPort}`, `http://localhost:${secondPort}`],
    adminUrl: urlOf('postgres'),
    natsUrl: urlOf('nats'),
    redisUrl: urlOf('redis'),
    logDirectory: join(home, 'logs'),
    async kill(name) {
      ending.set(name, await signal(name, 'SIGKILL'))
    },
    async stop(name) {
      ending.set(name, await signal(name, 'SIGTERM'))
    },
    async pause(name) {
      await signal(name, 'SIGSTOP')
    },
    async resume(name) {
      await signal(name, 'SIGCONT')
    },
    async untilBack(name) {
      await untilEventually(async () => {
        const { pid, healthUrl } = await find(name)
        return pid !== null && pid !== ending.get(name) && isReady(healthUrl)
      })
    },
    async untilReady() {
      await untilEventually(async () => {
        const { services } = await readState()
        return (await Promise.all(services.map(({ healthUrl }) => isReady(healthUrl)))).every(Boolean)
      })
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

const isReady = (healthUrl: string): Promise<boolean> =>
  fetch(healthUrl).then(
    ({ ok }) => ok,
    () => false,
  )
