import { callerOf, connectBus, ensureStream, serve } from '@parley/bus'
import { auth, messaging } from '@parley/contracts'
import { isUnavailable, openPostgres } from '@parley/postgres'
import { openSenderRouting } from '@parley/routing'
import { createLogger, createMetrics, serveHealth, systemClock, type Clock } from '@parley/runtime'
import { callsOf } from './calls/index.ts'
import type { Config } from './config.ts'
import { hearGateways } from './delivery/hear-gateways.ts'
import { openTelling } from './delivery/open-telling.ts'
import { retentionOf } from './retention.ts'
import { openSending, ways } from './send/open-sending.ts'
import { findMessages } from './store/messages.ts'
import { createMonths } from './store/months.ts'
import { sendGroup } from './store/send-group.ts'
import type { Tables } from './store/tables.ts'

export type { Config }

export interface Messaging extends AsyncDisposable {
  /** Of health and metrics. */
  readonly port: number
}

/** Months ahead that exist from the start on; `retention` keeps it so. */
const MONTHS_AHEAD = 3

export async function startMessaging(config: Config, clock: Clock = systemClock): Promise<Messaging> {
  await using stack = new AsyncDisposableStack()
  const { postgresUrl: url, natsUrl, redisUrl } = config
  const log = createLogger({ service: 'messaging', level: config.logLevel })
  const retention = retentionOf(config.retentionDays, clock)

  // Sends have connections of their own: neither reads nor a conversation that is stuck in its lane can take them all.
  const postgres = stack.use(openPostgres<Tables>({ url, service: 'messaging', log }))
  const ofSends = {
    group: stack.use(openPostgres<Tables>({ url, service: 'messaging', log, maxConnections: ways.group.atOnce })),
    lane: stack.use(openPostgres<Tables>({ url, service: 'messaging', log, maxConnections: ways.lane.atOnce })),
  }
  const { db } = postgres
  await createMonths(db, { now: clock.now(), ahead: MONTHS_AHEAD })

  const bus = stack.use(await connectBus({ url: natsUrl, service: 'messaging', log }))
  await ensureStream(bus, messaging)
  const routing = stack.use(await openSenderRouting({ url: redisUrl, log }))
  stack.use(await hearGateways(bus, routing))
  const telling = stack.use(openTelling({ bus, db, routing, log }))
  const sending = stack.use(
    openSending({
      steps: {
        sendGroup: (sends, through) =>
          sendGroup(ofSends[through].db, sends, { ...ways[through], keptSince: retention.keptSince() }),
        findMessages: (ids) => findMessages(db, ids),
        tell: (row) => telling.tell(row),
      },
      queue: config.queue,
      log,
    }),
  )
  const calls = callsOf({ db, sending, telling, retention, clock, authCalls: callerOf(bus, auth) })
  stack.use(await serve(bus, messaging, calls, { isUnavailable }))
  const checks = { nats: () => bus.check(), postgres: () => postgres.check() }
  const health = stack.use(await serveHealth({ ...config.http, checks, metrics: createMetrics('messaging') }))
  const opened = stack.move()
  return { port: health.port, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
