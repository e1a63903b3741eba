import { connectBus, ensureStream, serve } from '@parley/bus'
import { presence } from '@parley/contracts'
import { isUnavailable, openPostgres } from '@parley/postgres'
import { openConnectionRegistry } from '@parley/routing'
import { createLogger, createMetrics, repeat, serveHealth } from '@parley/runtime'
import { calls } from './calls/index.ts'
import type { Config } from './config.ts'
import { hearGateways } from './consumers/gateway-announced.ts'
import { announceTransitions } from './jobs/announce-transitions.ts'
import { storeLastSeen } from './jobs/store-last-seen.ts'
import { sweepGateways } from './jobs/sweep-gateways.ts'
import type { Tables } from './store/tables.ts'

export type { Config }

export interface Presence extends AsyncDisposable {
  readonly port: number
}

/** Tests need not wait as long as users may. */
export interface Pace {
  readonly lookEveryMs: number
  readonly sweepEveryMs: number
  readonly storeEveryMs: number
  /** How long after its start, or after NATS or Redis was away, nobody is taken for offline. */
  readonly settlingMs: number
  /** How long a gateway may say nothing before its lease decides whether it lives. */
  readonly silentAfterMs: number
}

const PACE: Pace = {
  lookEveryMs: 250,
  sweepEveryMs: 1_000,
  storeEveryMs: 5_000,
  settlingMs: 5_000,
  silentAfterMs: 6_000,
}

/** While something is away, a job is tried again at this pace. */
const RETRY_MS = 1_000

/** Who is there. Any number of instances share the work. */
export async function startPresence(config: Config, pace: Partial<Pace> = {}): Promise<Presence> {
  await using stack = new AsyncDisposableStack()
  const { lookEveryMs, sweepEveryMs, storeEveryMs, settlingMs, silentAfterMs } = { ...PACE, ...pace }
  const log = createLogger({ service: 'presence', level: config.logLevel })
  const metrics = createMetrics('presence')
  const postgres = stack.use(openPostgres<Tables>({ url: config.postgresUrl, service: 'presence', log }))
  const bus = stack.use(await connectBus({ url: config.natsUrl, service: 'presence', log }))
  await ensureStream(bus, presence)
  const deadGraceMs = config.deadGatewayGraceMs
  const registry = stack.use(
    await openConnectionRegistry({ url: config.redisUrl, log, deadGraceMs, settlingMs, silentAfterMs }),
  )
  stack.use(await hearGateways(bus, registry))

  const job = (name: string, everyMs: number, work: (signal: AbortSignal) => Promise<void>) =>
    stack.use(repeat(name, { everyMs, retryMs: Math.max(everyMs, RETRY_MS), log }, work))
  job('sweep-gateways', sweepEveryMs, () => sweepGateways(registry, log))
  job('announce-transitions', lookEveryMs, (signal) => announceTransitions(registry, bus, signal))
  job('store-last-seen', storeEveryMs, () => storeLastSeen(registry, postgres.db, config.lastSeenEveryMs))

  stack.use(await serve(bus, presence, calls({ registry, db: postgres.db }), { isUnavailable }))
  const checks = { nats: () => bus.check(), postgres: () => postgres.check(), redis: () => registry.check() }
  const { port } = stack.use(await serveHealth({ ...config.http, checks, metrics }))
  const started = stack.move()
  return { port, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
