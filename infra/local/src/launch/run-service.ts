import { join } from 'node:path'
import { startProcess, type LocalProcess } from '../processes/local-process.ts'
import { runProgram } from '../processes/run-program.ts'
import { untilReady } from '../processes/until-ready.ts'
import { StartProblem } from '../start-problem.ts'

export interface ServiceProcess {
  readonly name: string
  readonly program: string
  readonly environment: Readonly<Record<string, string>>
  readonly clone: string
  /** `.parley`: logs and notes of what runs are below it. */
  readonly home: string
}

const READY_TIMEOUT_MS = 30_000
const ANSWER_TIMEOUT_MS = 3_000
/** Services take that for granted where `TERMINATION_GRACE_SECONDS` is not set. */
const STOP_TIMEOUT_MS = 30_000
const MIGRATION_TIMEOUT_MS = 15 * 60_000

export const runDirectory = (home: string): string => join(home, 'run')
export const logDirectory = (home: string): string => join(home, 'logs')

export function startService({ name, program, environment, clone, home }: ServiceProcess): Promise<LocalProcess> {
  return startProcess({
    name,
    command: process.execPath,
    arguments: [program],
    environment,
    directory: clone,
    logFile: join(logDirectory(home), `${name}.log`),
    recordDirectory: runDirectory(home),
    stopTimeoutMs: STOP_TIMEOUT_MS,
  })
}

/** Resolves when the service says that it is ready. */
export async function untilServiceReady(service: LocalProcess, healthUrl: string, signal: AbortSignal): Promise<void> {
  const ask = async () => {
    const response = await fetch(healthUrl, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    const body = await response.text()
    if (response.status !== 200) throw new Error(`${healthUrl} answers ${response.status} ${body}`)
  }
  await untilReady(service, ask, READY_TIMEOUT_MS, signal)
}

/** Runs a service's migrations to their end. */
export async function migrateService(migration: ServiceProcess, signal: AbortSignal): Promise<void> {
  const { name, program, environment, clone } = migration
  try {
    await runProgram(process.execPath, [program], {
      environment,
      directory: clone,
      signal,
      timeoutMs: MIGRATION_TIMEOUT_MS,
    })
  } catch (error) {
    signal.throwIfAborted()
    throw new StartProblem(`The database of ${name} could not be migrated.\n${(error as Error).message}`)
  }
}
