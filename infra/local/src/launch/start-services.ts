import { join } from 'node:path'
import type { LocalProcess } from '../processes/local-process.ts'
import { freePort } from '../processes/free-port.ts'
import { startTogether } from '../processes/start-together.ts'
import type { Progress } from './progress.ts'
import { migrateService, startService, untilServiceReady, type ServiceProcess } from './run-service.ts'
import { commonEnvironment, inheritedBy, type Surroundings } from './service-environment.ts'
import type { Service, Stages } from './services.ts'
import type { Environment } from './settings.ts'
import type { StateFile } from './state-file.ts'
import { supervise } from './supervise.ts'

interface Options {
  readonly stages: Stages
  readonly surroundings: Omit<Surroundings, 'port'>
  readonly environment: Environment
  readonly clone: string
  readonly home: string
  readonly progress: Progress
  readonly state: StateFile
  readonly signal: AbortSignal
}

/** Migrates, then starts stage after stage; each service is started again on its port when it ends. */
export async function startServices(options: Options): Promise<AsyncDisposable> {
  const { stages, progress, signal } = options
  const ports = await choosePorts(stages.flat())
  const surroundings = { ...options.surroundings, port: (name: string) => portIn(ports, name) }

  const processOf = (service: Service, program: string): ServiceProcess => ({
    name: service.name,
    program,
    environment: {
      ...commonEnvironment(surroundings),
      HTTP_PORT: String(portIn(ports, service.name)),
      NATS_URL: surroundings.natsUrl(service.kind),
      // Most of a start is loading code; what was compiled once need not be again.
      NODE_COMPILE_CACHE: join(options.home, 'compile-cache'),
      ...service.environment(surroundings),
      ...inheritedBy(service.kind, options.environment),
    },
    clone: options.clone,
    home: options.home,
  })

  const migrations = stages
    .flat()
    .flatMap((service) => (service.migrate === undefined ? [] : [processOf(service, service.migrate)]))
  await progress.step('migrations', () => Promise.all(migrations.map((migration) => migrateService(migration, signal))))

  await using stack = new AsyncDisposableStack()
  for (const stage of stages) {
    const started = await startTogether(
      stage.map((service) => keepService(processOf(service, service.main), portIn(ports, service.name), options)),
    )
    stack.defer(async () => {
      await Promise.all(started.map((service) => service[Symbol.asyncDispose]()))
    })
  }
  return stack.move()
}

async function choosePorts(services: readonly Service[]): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>()
  for (const { name, port } of services) ports.set(name, port ?? (await freePort()))
  return ports
}

function portIn(ports: ReadonlyMap<string, number>, name: string): number {
  const port = ports.get(name)
  if (port === undefined) throw new Error(`there is no service ${name}`)
  return port
}

async function keepService(service: ServiceProcess, port: number, options: Options): Promise<AsyncDisposable> {
  const { state, progress, signal } = options
  const { name } = service
  const healthUrl = `http://127.0.0.1:${port}/health/ready`
  const tell = (process: LocalProcess | null) => state.putService({ name, pid: process?.pid ?? null, port, healthUrl })

  await using stack = new AsyncDisposableStack()
  const first = await progress.step(
    name,
    async () => {
      const process = stack.use(await startService(service))
      tell(process)
      await untilServiceReady(process, healthUrl, signal)
      return process
    },
    () => `${name} on 127.0.0.1:${port}`,
  )
  stack.move()
  return supervise(first, {
    name,
    restart: () => startService(service),
    onChange: tell,
    say: (line) => progress.say(line),
  })
}
