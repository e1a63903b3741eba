import { ConfigError } from './config.ts'
import { createLogger } from './logger.ts'

/** How long a stopping process may take before it is ended with exit code 1. */
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
  const stopped = Promise.withResolvers<string>()
  process.on('SIGTERM', () => stopped.resolve('SIGTERM'))
  process.on('SIGINT', () => stopped.resolve('SIGINT'))
  try {
    const started = await start()
    log.info('started')
    const signal = await stopped.promise
    log.info({ signal }, 'stopping')
    const stopTimeoutMs = options.stopTimeoutMs ?? STOP_TIMEOUT_MS
    setTimeout(() => {
      log.fatal({ stopTimeoutMs }, 'could not stop in time')
      process.exitCode = 1
      process.kill(process.pid, 'SIGKILL')
    }, stopTimeoutMs).unref()
    await started[Symbol.asyncDispose]()
    log.info('stopped')
  } catch (error) {
    process.exitCode = 1
    if (error instanceof ConfigError) log.fatal({ problems: error.message.split('\n') }, 'wrong configuration')
    else log.fatal({ error }, 'could not start')
  }
}
