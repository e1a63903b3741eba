import { connectBus, ensureStream, serve } from '@parley/bus'
import { presence } from '@parley/contracts'
import { isUnavailable, openPostgres } from '@parley/postgres'
import { openConnectionRegistry } from '@parley/routing'
import { createLogger, createMetrics, repeat, serveHealth, systemClock } from '@parley/runtime'
import { calls } from './calls/index.ts'
import type { Config } from './config.ts'
import { hearGateways } from './consumers/gateway-announced.ts'
import { announceTransitions } from './jobs/announce-transitions.ts'
import { forgetDeadInterest } from './jobs/forget-dead-interest.ts'
import { storeLastSeen } from './jobs/store-last-seen.ts'
import { sweepGateways } from './jobs/sweep-gateways.ts'
import { countPresence, measurePresence } from './metrics.ts'
import { openNotices } from './notices.ts'
import { openStatusesOutbox } from './store/open-statuses-outbox.ts'
import { PACE, RETRY_MS, type Pace } from './pace.ts'
import { readStatuses } from './store/statuses.ts'
import type { Tables } from './store/tables.ts'

export type { Config, Pace }

export interface Presence extends AsyncDisposable {
  readonly port: number
}

/** Who is there. Any number of instances share the work. */
export async function startPresence(config: Config, pace: Partial<Pace> = {}): Promise<Presence> {
  await using stack = new AsyncDisposableStack()
  const { lookEveryMs, beatEveryMs, sweepEveryMs, storeEveryMs, ...patience } = { ...PACE, ...pace }
  const log = createLogger({ service: 'presence', level: config.logLevel })
  const metrics = createMetrics('presence')
  const postgres = stack.use(openPostgres<Tables>({ url: config.postgresUrl, service: 'presence', log }))
  const { db } = postgres
  const bus = stack.use(await connectBus({ url: config.natsUrl, service: 'presence', log }))
  await ensureStream(bus, presence)
  const registry = stack.use(
    await openConnectionRegistry({
      url: config.redisUrl,
      log,
      readStatuses: (userIds) => readStatuses(db, userIds),
      deadGraceMs: config.deadGatewayGraceMs,
      ...patience,
    }),
  )
  stack.use(await hearGateways(bus, registry))
  const notices = openNotices(bus)
  const counts = countPresence(metrics)
  const outbox = stack.use(openStatusesOutbox({ db, registry, counts, log }))
  measurePresence(metrics, { registry, notices, outbox })

  const job = (name: string, everyMs: number, work: (signal: AbortSignal) => Promise<void>) =>
    stack.use(repeat(name, { everyMs, retryMs: Math.max(everyMs, RETRY_MS), log }, work))
  const announcing = { registry, db, bus, notices, counts, log }
  job('sweep-gateways', sweepEveryMs, () => sweepGateways(registry, counts, log))
  job('forget-dead-interest', sweepEveryMs, () => forgetDeadInterest(registry, log))
  job('announce-transitions', lookEveryMs, (signal) => announceTransitions(announcing, signal))
  job('say-whole', beatEveryMs, async () => notices.beat(await registry.isWhole()))
  job('store-last-seen', storeEveryMs, () => storeLastSeen(registry, db, config.lastSeenEveryMs))

  stack.use(
    await serve(bus, presence, calls({ bus, registry, db, outbox, clock: systemClock, log }), { isUnavailable }),
  )
  const checks = { nats: () => bus.check(), postgres: () => postgres.check(), redis: () => registry.check() }
  const { port } = stack.use(await serveHealth({ ...config.http, checks, metrics }))
  const started = stack.move()
  return { port, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
