import { createLogger, logFatal } from './logger.ts'

/** How long a process that was asked to stop may take before it is ended with exit code 1. */
const STOP_TIMEOUT_MS = 25_000

/**
 * The life of a service process: start, wait for SIGTERM or SIGINT, undo what was started, leave with exit code 0.
 * A start that fails says why in one line and exits with 1. An unhandled rejection ends the process.
 */
export async function runProcess(
  service: string,
  start: () => Promise<AsyncDisposable>,
  options: { stopTimeoutMs?: number } = {},
): Promise<void> {
  const log = createLogger({ service, level: 'info' })
  const asked = Promise.withResolvers<void>()
  let stopping = false

  function stop(signal: NodeJS.Signals): void {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    leaveAtTheLatest()
    asked.resolve()
  }

  /** The loop empties and the process leaves by itself; if something holds it, or hangs, this ends it. */
  function leaveAtTheLatest(): void {
    const stopTimeoutMs = options.stopTimeoutMs ?? STOP_TIMEOUT_MS
    setTimeout(() => {
      log.fatal({ stopTimeoutMs }, 'could not stop in time')
      process.exit(1)
    }, stopTimeoutMs).unref()
  }

  process.on('SIGTERM', stop).on('SIGINT', stop)
  let failure = 'could not start'
  try {
    const started = await start()
    log.info('started')
    await asked.promise
    failure = 'could not stop'
    await started[Symbol.asyncDispose]()
    log.info('stopped')
  } catch (error) {
    process.exitCode = 1
    logFatal(log, failure, error)
    leaveAtTheLatest()
  }
}
