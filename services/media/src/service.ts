import { callerOf, connectBus, ensureStream, publishRows, serve, type EventRecord } from '@parley/bus'
import { media, messaging } from '@parley/contracts'
import { isUnavailable, openOutbox, openPostgres } from '@parley/postgres'
import { createLogger, createMetrics, serveHealth } from '@parley/runtime'
import { calls } from './calls/index.ts'
import type { Config } from './config.ts'
import { openS3 } from './store/open-s3.ts'
import { prepareBucket } from './store/prepare-bucket.ts'
import type { Tables } from './store/tables.ts'

export type { Config }

export interface Media extends AsyncDisposable {
  readonly port: number
}

/** Files: signs what clients post and read, and checks what was posted. No file passes through it. */
export async function startMedia(config: Config): Promise<Media> {
  await using stack = new AsyncDisposableStack()
  const log = createLogger({ service: 'media', level: config.logLevel })
  const postgres = stack.use(openPostgres<Tables>({ url: config.postgresUrl, service: 'media', log }))
  const { db } = postgres
  const s3 = stack.use(openS3(config.s3))
  await prepareBucket(s3, config.s3, { development: config.environment === 'development' })
  const bus = stack.use(await connectBus({ url: config.natsUrl, service: 'media', log }))
  await ensureStream(bus, media)
  const outbox = stack.use(
    openOutbox<EventRecord, Tables>({
      db,
      log,
      deliver: (rows) => publishRows(bus, rows),
    }),
  )
  const answers = calls({ ...config, db, s3, messaging: callerOf(bus, messaging), outbox, log })
  stack.use(await serve(bus, media, answers, { isUnavailable }))
  const health = stack.use(
    await serveHealth({
      ...config.http,
      checks: { nats: () => bus.check(), postgres: () => postgres.check(), s3: () => s3.check() },
      metrics: createMetrics('media'),
    }),
  )
  const started = stack.move()
  return { port: health.port, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
