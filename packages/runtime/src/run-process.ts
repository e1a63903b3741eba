import { readEnvironment, variables, type Environment } from './config.ts'
import { createLogger, logFatal, type Logger } from './logger.ts'

/** Of the time until SIGKILL, what is left for saying that a stop failed. */
const SPARE_MS = 2_000

/** How long a stop may take where SIGKILL comes so long after SIGTERM. */
export const stopTimeoutMs = (graceSeconds: number): number => graceSeconds * 1_000 - SPARE_MS

/**
 * The life of a service process: start, wait for SIGTERM or SIGINT, undo what was started, leave with exit code 0.
 * A start that fails says why in one line and exits with 1. An unhandled rejection ends the process. A stop that does not
 * end in time, by `TERMINATION_GRACE_SECONDS`, is ended with exit code 1.
 */
export async function runProcess(
  service: string,
  environment: Environment,
  start: (environment: Environment) => Promise<AsyncDisposable>,
): Promise<void> {
  const log = createLogger({ service, level: 'info' })
  let failure = 'could not start'
  let timeoutMs = stopTimeoutMs(variables.TERMINATION_GRACE_SECONDS.parse(undefined))
  try {
    timeoutMs = stopTimeoutMs(graceSecondsOf(environment))
    const asked = untilAsked(log, () => leaveAtTheLatest(log, timeoutMs))
    const started = await start(environment)
    log.info('started')
    await asked
    failure = 'could not stop'
    await started[Symbol.asyncDispose]()
    log.info('stopped')
  } catch (error) {
    process.exitCode = 1
    logFatal(log, failure, error)
    leaveAtTheLatest(log, timeoutMs)
  }
}

function graceSecondsOf(environment: Environment): number {
  const { TERMINATION_GRACE_SECONDS } = variables
  return readEnvironment('', { TERMINATION_GRACE_SECONDS }, environment).TERMINATION_GRACE_SECONDS
}

/** Resolves at the first signal. Another one changes nothing. */
function untilAsked(log: Logger, onAsked: () => void): Promise<void> {
  const asked = Promise.withResolvers<void>()
  let stopping = false
  function stop(signal: NodeJS.Signals): void {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    onAsked()
    asked.resolve()
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  return asked.promise
}

/** The loop empties and the process leaves by itself; if something holds it, or hangs, this ends it. */
function leaveAtTheLatest(log: Logger, timeoutMs: number): void {
  setTimeout(() => {
    log.fatal({ stopTimeoutMs: timeoutMs }, 'could not stop in time')
    process.exit(1)
  }, timeoutMs).unref()
}
