import { callerOf, connectBus, consume, ensureStream, publishRows, serve, type EventRecord } from '@parley/bus'
import { auth, media, messaging } from '@parley/contracts'
import { isUnavailable, openOutbox, openPostgres } from '@parley/postgres'
import { createLogger, createMetrics, serveHealth, systemClock, type Clock } from '@parley/runtime'
import { openS3 } from '@parley/s3'
import { calls } from './calls/index.ts'
import { openChecking } from './checks/open-checking.ts'
import { tellGateways } from './checks/tell-gateways.ts'
import type { Config } from './config.ts'
import { openHousekeeping } from './housekeeping/open-housekeeping.ts'
import { openInspector } from './inspect/open-inspector.ts'
import { registerMetrics } from './metrics.ts'
import { openScanner } from './scan/open-scanner.ts'
import { prepareBucket } from './store/prepare-bucket.ts'
import type { Tables } from './store/tables.ts'
import { deleteOfMessage } from './store/uploads.ts'
import { Turns } from './turns.ts'

export type { Config }

export interface Media extends AsyncDisposable {
  readonly port: number
}

/** Files: signs what clients post and read, and checks what was posted. Clients send and get them from S3 itself. */
export async function startMedia(config: Config, clock: Clock = systemClock): Promise<Media> {
  await using stack = new AsyncDisposableStack()
  const log = createLogger({ service: 'media', level: config.logLevel })
  const metrics = createMetrics('media')
  const postgres = stack.use(openPostgres<Tables>({ url: config.postgresUrl, service: 'media', log }))
  const { db } = postgres
  const s3 = stack.use(openS3(config.s3))
  await prepareBucket(s3, config.s3, { ...config.bucketSetup, log })
  const bus = stack.use(await connectBus({ url: config.natsUrl, service: 'media', log }))
  await ensureStream(bus, media)
  const outbox = stack.use(
    openOutbox<EventRecord, Tables>({
      db,
      log,
      deliver: (rows) => publishRows(bus, rows),
    }),
  )
  const others = { auth: callerOf(bus, auth), messaging: callerOf(bus, messaging) }
  const housekeeping = stack.use(openHousekeeping({ ...config, ...others, db, s3, log }))
  const inspector = stack.use(openInspector({ ...config.inspection, log }))
  const scanner = config.clamd && stack.use(openScanner({ ...config.clamd, log }))
  const checking = stack.use(
    openChecking({ db, s3, inspector, scanner, outbox, tell: (upload) => tellGateways(bus, upload), log }),
  )
  const removeSoon = () => housekeeping.removeSoon()
  stack.use(
    consume(bus, { contract: messaging, event: messaging.events.attachmentsRemoved }, async (gone) => {
      await deleteOfMessage(db, gone.messageId, gone.uploadIds)
      removeSoon()
    }),
  )
  const reservations = new Turns()
  const handlers = calls({ ...config, ...others, bus, clock, db, s3, reservations, checking, removeSoon })
  stack.use(await serve(bus, media, handlers, { isUnavailable }))
  registerMetrics(metrics, { db, atWork: () => checking.atWork, scanner })
  const health = stack.use(
    await serveHealth({
      ...config.http,
      checks: { nats: () => bus.check(), postgres: () => postgres.check(), s3: () => s3.check() },
      metrics,
    }),
  )
  const started = stack.move()
  return { port: health.port, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
