import { callerOf, connectBus, ensureStream, publishRows, type EventRecord } from '@parley/bus'
import { messaging, retention } from '@parley/contracts'
import { openOutbox, openPostgres } from '@parley/postgres'
import { createLogger, createMetrics, serveHealth, systemClock, type Clock } from '@parley/runtime'
import type { Config } from './config.ts'
import { keepMonths } from './jobs/keep-months.ts'
import { lead } from './jobs/lead.ts'
import { tryToLead } from './store/leader-lock.ts'
import { listLastDone } from './store/runs.ts'
import type { Tables } from './store/tables.ts'
import { measureProgress } from './telemetry.ts'

export type { Config }

export interface Retention extends AsyncDisposable {
  readonly port: number
}

const LEAD_EVERY_MS = 2_000
const FIRST_RETRY_MS = 5_000

/** How long messages are kept: one of its instances has the months made and dropped by the service that owns them. */
export async function startRetention(
  config: Config,
  overrides: { clock?: Clock; leadEveryMs?: number; firstRetryMs?: number } = {},
): Promise<Retention> {
  const { clock = systemClock, leadEveryMs = LEAD_EVERY_MS, firstRetryMs = FIRST_RETRY_MS } = overrides
  await using stack = new AsyncDisposableStack()
  const log = createLogger({ service: 'retention', level: config.logLevel })
  const metrics = createMetrics('retention')
  const postgres = stack.use(openPostgres<Tables>({ url: config.postgresUrl, service: 'retention', log }))
  const { db } = postgres
  const bus = stack.use(await connectBus({ url: config.natsUrl, service: 'retention', log }))
  await ensureStream(bus, retention)
  const outbox = stack.use(
    openOutbox<EventRecord, Tables>({
      db,
      log,
      deliver: (rows) => publishRows(bus, rows),
    }),
  )

  const using = { ...config, db, outbox, messaging: callerOf(bus, messaging), clock, log, firstRetryMs }
  const leading = { tryToLead: () => tryToLead({ url: config.postgresUrl, log }), everyMs: leadEveryMs, log }
  stack.use(lead(leading, (signal) => keepMonths(using, signal)))

  measureProgress(metrics, { listLastDone: () => listLastDone(db), clock, log })
  const checks = { nats: () => bus.check(), postgres: () => postgres.check() }
  const health = stack.use(await serveHealth({ ...config.http, checks, metrics }))
  const started = stack.move()
  return { port: health.port, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
