import { callerOf, connectBus, ensureStream, hearGateways, serve } from '@parley/bus'
import { auth, media, messaging } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import { openSenderRouting } from '@parley/routing'
import { createLogger, createMetrics, serveHealth, systemClock, type Clock } from '@parley/runtime'
import { callsOf } from './calls/index.ts'
import type { Config } from './config.ts'
import { numberNotices } from './delivery/numbered-notices.ts'
import { openTelling } from './delivery/open-telling.ts'
import { createTellBlockChange } from './delivery/tell-block-change.ts'
import { measureMessaging } from './metrics.ts'
import { connectionsOfWriting, openWriting } from './open-writing.ts'
import { openRetention } from './retention.ts'
import { attachingBy } from './send/attach-uploads.ts'
import { findMessages } from './store/messages.ts'
import { createMonths } from './store/months.ts'
import { openStores } from './store/open-stores.ts'

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

  const stores = stack.use(await openStores({ url, log, connections: connectionsOfWriting }))
  const { db } = stores
  const retention = stack.use(await openRetention({ db, clock, log }))
  await createMonths(db, { now: clock.now(), ahead: MONTHS_AHEAD })

  const bus = stack.use(await connectBus({ url: natsUrl, service: 'messaging', log }))
  await ensureStream(bus, messaging)
  const routing = stack.use(await openSenderRouting({ url: redisUrl, log }))
  stack.use(await hearGateways(bus, routing))
  const notices = numberNotices()
  const telling = stack.use(openTelling({ bus, db, routing, notices, log }))
  const writing = stack.use(openWriting({ stores, telling, retention, queue: config.queue, log }))
  const mediaCalls = callerOf(bus, media)
  const attaching = attachingBy({
    mediaCalls,
    isStored: async (messageId) => (await findMessages(db, [messageId])).has(messageId),
    log,
  })
  const parts = { ...writing, bus, db, changesDb: stores.changes, attaching, telling, notices, retention, clock }
  const tellBlockChange = createTellBlockChange({ bus, log })
  const calls = callsOf({ ...parts, tellBlockChange, authCalls: callerOf(bus, auth), mediaCalls })
  stack.use(await serve(bus, messaging, calls, { isUnavailable, parameters: { senderId: notices.senderId } }))
  const metrics = createMetrics('messaging')
  measureMessaging(metrics, { telling, notices, sending: writing.sending })
  const checks = { nats: () => bus.check(), postgres: () => stores.check() }
  const health = stack.use(await serveHealth({ ...config.http, checks, metrics }))
  const opened = stack.move()
  return { port: health.port, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
