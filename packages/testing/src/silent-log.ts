import { pino, type Logger } from 'pino'

/** For what is started in a test: logs nothing. */
export const silentLog: Logger = pino({ level: 'silent' })
