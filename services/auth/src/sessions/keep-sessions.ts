import type { Bus, EventRecord } from '@parley/bus'
import type { Outbox } from '@parley/postgres'
import { repeat, type Logger } from '@parley/runtime'
import type { AuditLog } from '../audit/audit-log.ts'
import { forgetSessions } from '../jobs/forget-sessions.ts'
import { tellRevocationPosition } from '../jobs/tell-revocations.ts'
import type { Db } from '../store/tables.ts'
import { openSessions } from './open-sessions.ts'
import type { Sessions } from './sessions.ts'

const TELL_EVERY_MS = 1_000
const FORGET_EVERY_MS = 60_000

/** The sessions, with what has to go on about them as long as the process lives. */
export function keepSessions(options: {
  db: Db
  bus: Bus
  outbox: Outbox<EventRecord>
  audit: AuditLog
  log: Logger
}): { readonly sessions: Sessions } & AsyncDisposable {
  const { db, bus, log } = options
  const sessions = openSessions(options)
  const stack = new AsyncDisposableStack()
  stack.use(repeat('tell-revocations', { everyMs: TELL_EVERY_MS, log }, () => tellRevocationPosition(db, bus)))
  stack.use(repeat('forget-sessions', { everyMs: FORGET_EVERY_MS, log }, (signal) => forgetSessions(db, signal)))
  return { sessions, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
