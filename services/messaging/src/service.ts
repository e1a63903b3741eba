import { callerOf, connectBus, ensureStream, serve } from '@parley/bus'
import { auth, media, messaging } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import { openSenderRouting } from '@parley/routing'
import { createLogger, createMetrics, serveHealth, systemClock, type Clock } from '@parley/runtime'
import { callsOf } from './calls/index.ts'
import { gatherReactions } from './changes/gather-reactions.ts'
import { react } from './changes/react.ts'
import { openTurns } from './changes/turns.ts'
import type { Config } from './config.ts'
import { hearGateways } from './delivery/hear-gateways.ts'
import { numberNotices } from './delivery/numbered-notices.ts'
import { openTelling } from './delivery/open-telling.ts'
import { measureMessaging } from './metrics.ts'
import { openMarking, WRITES_AT_ONCE } from './receipts/open-marking.ts'
import { retentionOf } from './retention.ts'
import { attachingBy } from './send/attach-uploads.ts'
import { openSending, ways } from './send/open-sending.ts'
import { markReceipts } from './store/mark-receipts.ts'
import { findMessages } from './store/messages.ts'
import { createMonths } from './store/months.ts'
import { sendGroup } from './store/send-group.ts'
import { openStores } from './store/open-stores.ts'

export type { Config }

export interface Messaging extends AsyncDisposable {
  /** Of health and metrics. */
  readonly port: number
}

/** Months ahead that exist from the start on; `retention` keeps it so. */
const MONTHS_AHEAD = 3

/** Conversations that can be changed at once, besides by sends. */
const CHANGES_AT_ONCE = 6

export async function startMessaging(config: Config, clock: Clock = systemClock): Promise<Messaging> {
  await using stack = new AsyncDisposableStack()
  const { postgresUrl: url, natsUrl, redisUrl } = config
  const log = createLogger({ service: 'messaging', level: config.logLevel })
  const retention = retentionOf(config.retentionDays, clock)

  const stores = stack.use(
    await openStores({
      url,
      log,
      connections: {
        group: ways.group.atOnce,
        lane: ways.lane.atOnce,
        changes: CHANGES_AT_ONCE,
        marks: WRITES_AT_ONCE,
      },
    }),
  )
  const { db, changes: changesDb } = stores
  await createMonths(db, { now: clock.now(), ahead: MONTHS_AHEAD })

  const bus = stack.use(await connectBus({ url: natsUrl, service: 'messaging', log }))
  await ensureStream(bus, messaging)
  const routing = stack.use(await openSenderRouting({ url: redisUrl, log }))
  stack.use(await hearGateways(bus, routing))
  const notices = numberNotices()
  const telling = stack.use(openTelling({ bus, db, routing, notices, log }))
  const sending = stack.use(
    openSending({
      steps: {
        sendGroup: (sends, through) =>
          sendGroup(stores[through], sends, { ...ways[through], keptSince: retention.keptSince() }),
        findMessages: (ids) => findMessages(db, ids),
        async tell(row) {
          telling.tell(row)
          await telling.untilRoom()
        },
      },
      queue: config.queue,
      log,
    }),
  )
  const marking = stack.use(
    openMarking({
      markReceipts: (marks) => markReceipts(stores.marks, marks),
      tell: (row) => telling.tell(row),
    }),
  )
  const turns = openTurns()
  const reactions = gatherReactions({
    turns,
    async write(conversationId, asked) {
      const place = { conversationId, keptSince: retention.keptSince() }
      const { results, told } = await react(changesDb, place, asked)
      if (told !== undefined) telling.tell(told)
      return results
    },
  })
  const attaching = attachingBy({
    mediaCalls: callerOf(bus, media),
    isStored: async (messageId) => (await findMessages(db, [messageId])).has(messageId),
    log,
  })
  const calls = callsOf({
    db,
    changesDb,
    turns,
    reactions,
    sending,
    attaching,
    marking,
    telling,
    notices,
    retention,
    clock,
    authCalls: callerOf(bus, auth),
  })
  stack.use(await serve(bus, messaging, calls, { isUnavailable, parameters: { senderId: notices.senderId } }))
  const metrics = createMetrics('messaging')
  measureMessaging(metrics, { telling, sending })
  const checks = { nats: () => bus.check(), postgres: () => stores.check() }
  const health = stack.use(await serveHealth({ ...config.http, checks, metrics }))
  const opened = stack.move()
  return { port: health.port, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
