import { pino, type Logger } from 'pino'
import { ConfigError } from './config.ts'

export type { Logger }

/** Where secrets would stand if a whole request or configuration were logged by mistake. */
const redact = ['authorization', 'accessToken', 'access_token', 'password', 'secret', 'cookie'].flatMap((field) => [
  field,
  `*.${field}`,
  `*.*.${field}`,
])

/**
 * One JSON line per fact on standard output: a constant lower-case message and named fields. Never log bodies or tokens;
 * redaction is the second line of defence.
 */
export function createLogger(options: { service: string; level: string }): Logger {
  return pino({
    level: options.level,
    base: { service: options.service, pid: process.pid },
    redact: { paths: redact, censor: '[redacted]' },
    serializers: { error: pino.stdSerializers.err },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  })
}

/** The one line that says why a process ends: everything that is wrong with its configuration, or the error. */
export function logFatal(log: Logger, message: string, error: unknown): void {
  if (error instanceof ConfigError) log.fatal({ problems: error.message.split('\n') }, 'wrong configuration')
  else log.fatal({ error }, message)
}
