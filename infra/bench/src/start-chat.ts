import { join } from 'node:path'
import { connectBus, type Bus } from '@parley/bus'
import {
  freePort,
  prepareDatabase,
  runProgram,
  startNats,
  startProcess,
  startRedis,
  startThrowawayServers,
  untilReady,
} from '@parley/local'
import { createLogger } from '@parley/runtime'
import { startBenchIssuer, type BenchIssuer } from './bench-issuer.ts'

export interface ServiceProcess {
  readonly name: string
  readonly pid: number
  readonly port: number
}

/** What carries chat, as processes on servers of their own: gateways, messaging and presence, and a stand-in for auth. */
export interface Chat extends AsyncDisposable {
  readonly bus: Bus
  readonly issuer: BenchIssuer
  readonly gateways: readonly ServiceProcess[]
  /** All processes that serve, but Postgres. */
  readonly serving: readonly { readonly name: string; readonly pid: number }[]
}

const CLONE = join(import.meta.dirname, '../../..')
const STORES = ['messaging', 'presence'] as const
const PUBLIC_URL = 'http://parley.bench'
const SECRET = 'a secret that is only good for this run'
const MIGRATION_TIMEOUT_MS = 60_000
const READY_TIMEOUT_MS = 60_000

export const ISSUER = PUBLIC_URL

export async function startChat(options: { gateways: number; gatewayFlags: readonly string[] }): Promise<Chat> {
  await using stack = new AsyncDisposableStack()
  const servers = stack.use(await startThrowawayServers())
  const { directory } = servers
  const redis = stack.use(await startRedis({ directory: join(directory, 'redis'), durable: false }))
  const nats = stack.use(await startNats({ directory: join(directory, 'nats') }))
  const password = SECRET.replaceAll(' ', '-')
  const passwords = { messaging: password, presence: password }
  const postgresUrls = await prepareDatabase(servers.postgresUrl, { database: 'bench', services: STORES, passwords })
  const log = createLogger({ service: 'bench', level: 'warn' })
  const bus = stack.use(await connectBus({ url: nats.url, service: 'bench', log }))
  const issuer = stack.use(await startBenchIssuer(bus))
  const common = {
    PARLEY_ENV: 'production',
    HTTP_HOST: '127.0.0.1',
    NATS_URL: nats.url,
    REDIS_URL: redis.url,
  }
  const program = (name: string, file: string) => join(CLONE, 'services', name, 'src', file)

  async function startService(
    kind: string,
    environment: Readonly<Record<string, string>>,
    { name = kind, flags = [] }: { name?: string; flags?: readonly string[] } = {},
  ): Promise<ServiceProcess> {
    const port = await freePort()
    const process = stack.use(
      await startProcess({
        name,
        command: globalThis.process.execPath,
        arguments: [...flags, program(kind, 'main.ts')],
        environment: { ...common, HTTP_PORT: String(port), ...environment },
        directory: CLONE,
        logFile: join(directory, `${name}.log`),
        recordDirectory: join(directory, 'run'),
      }),
    )
    const ask = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/health/ready`)
      if (!response.ok) throw new Error(`answers ${response.status}`)
    }
    await untilReady(process, ask, READY_TIMEOUT_MS)
    return { name, pid: process.pid, port }
  }

  const stores = STORES.map((name) => ({ name, environment: { POSTGRES_URL: postgresUrls[name] } }))
  for (const { name, environment } of stores) {
    await runProgram(process.execPath, [program(name, 'migrate.ts')], {
      environment: { ...common, ...environment },
      directory: CLONE,
      timeoutMs: MIGRATION_TIMEOUT_MS,
    })
  }
  const services: ServiceProcess[] = []
  for (const { name, environment } of stores) services.push(await startService(name, environment))
  const gateways: ServiceProcess[] = []
  for (let index = 1; index <= options.gateways; index++) {
    const environment = {
      PARLEY_PUBLIC_URL: PUBLIC_URL,
      AUTH_URL: issuer.url,
      GATEWAY_SECRET: SECRET,
      GATEWAY_DRAIN_SECONDS: '1',
      // All clients have one address here, and do more than people.
      GATEWAY_LIMITS: 'null',
    }
    gateways.push(await startService('gateway', environment, { name: `gateway-${index}`, flags: options.gatewayFlags }))
  }
  const running = stack.move()
  return {
    bus,
    issuer,
    gateways,
    serving: [...services, ...gateways, { name: 'redis', pid: redis.pid! }, { name: 'nats', pid: nats.pid! }],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
