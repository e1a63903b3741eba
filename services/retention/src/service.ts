import { callerOf, connectBus, ensureStream, publishRows, serve, type EventRecord } from '@parley/bus'
import { auth, media, messaging, presence, retention } from '@parley/contracts'
import { isUnavailable, openOutbox, openPostgres } from '@parley/postgres'
import { createLogger, createMetrics, serveHealth, systemClock, type Clock } from '@parley/runtime'
import { openS3 } from '@parley/s3'
import { callsOf } from './calls/index.ts'
import type { Config } from './config.ts'
import { checkMonthsAhead } from './domain/months-ahead.ts'
import { doLeading } from './jobs/do-leading.ts'
import { lead } from './jobs/lead.ts'
import { watchOldestMessage } from './oldest-message.ts'
import { tryToLead } from './store/leader-lock.ts'
import { adoptDefaultDays } from './store/policies.ts'
import { readRunFigures } from './store/run-figures.ts'
import { listLastDone } from './store/runs.ts'
import type { Tables } from './store/tables.ts'
import { measureProgress } from './telemetry.ts'

export type { Config }

export interface Retention extends AsyncDisposable {
  readonly port: number
}

const LEAD_EVERY_MS = 2_000
const FIRST_RETRY_MS = 5_000

/** How long messages are kept: one of its instances has done what the owners of data must do, and records it. */
export async function startRetention(
  config: Config,
  overrides: {
    clock?: Clock
    leadEveryMs?: number
    firstRetryMs?: number
    settledMs?: number
    catchUpMs?: number
  } = {},
): Promise<Retention> {
  const { clock = systemClock, leadEveryMs = LEAD_EVERY_MS, firstRetryMs = FIRST_RETRY_MS } = overrides
  await using stack = new AsyncDisposableStack()
  const log = createLogger({ service: 'retention', level: config.logLevel })
  const metrics = createMetrics('retention')
  const postgres = stack.use(openPostgres<Tables>({ url: config.postgresUrl, service: 'retention', log }))
  const { db } = postgres
  await adoptDefaultDays(db, config.retentionDays)
  const bus = stack.use(await connectBus({ url: config.natsUrl, service: 'retention', log }))
  await ensureStream(bus, retention)
  const outbox = stack.use(openOutbox<EventRecord, Tables>({ db, log, deliver: (rows) => publishRows(bus, rows) }))

  const owners = {
    auth: callerOf(bus, auth),
    messaging: callerOf(bus, messaging),
    media: callerOf(bus, media),
    presence: callerOf(bus, presence),
  }
  const s3 = stack.use(openS3(config.s3))
  const using = { ...config, ...owners, ...overrides, owners, db, bus, s3, outbox, clock, log, firstRetryMs }
  const leading = { tryToLead: () => tryToLead({ url: config.postgresUrl, log }), everyMs: leadEveryMs, log }
  stack.use(lead(leading, (signal) => doLeading(using, signal)))
  stack.use(await serve(bus, retention, callsOf(using), { isUnavailable }))

  const oldestMessage = watchOldestMessage(using)
  const lastDone = () => listLastDone(db)
  measureProgress(metrics, { listLastDone: lastDone, readFigures: () => readRunFigures(db), oldestMessage, clock, log })
  const checks = {
    nats: () => bus.check(),
    postgres: () => postgres.check(),
    s3: () => s3.check(),
    'oldest message': () => oldestMessage.check(),
    'partitions ahead': async () => checkMonthsAhead(await lastDone(), clock.now()),
  }
  const health = stack.use(await serveHealth({ ...config.http, checks, metrics }))
  const started = stack.move()
  return { port: health.port, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
