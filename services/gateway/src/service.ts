import { connectBus } from '@parley/bus'
import { openGatewayRouting } from '@parley/routing'
import { createHealth, createLogger, createMetrics, systemClock } from '@parley/runtime'
import { callsOver } from './calls-over.ts'
import type { Config } from './config.ts'
import { allowOriginOf } from './http/allowed-origin.ts'
import { serveClients } from './http/serve-clients.ts'
import type { ChatConnection } from './hub/chat-connection.ts'
import { createChatHub } from './hub/chat-hub.ts'
import { openHub } from './hub/open-hub.ts'
import { connectionTickets } from './identity/connection-tickets.ts'
import { createIdentities } from './identity/create-identities.ts'
import { createAddressOf } from './limits/client-address.ts'
import { openLimits } from './limits/open-limits.ts'
import { countLimited, countOperations, measureGateway } from './metrics.ts'
import { openLiveParts } from './open-live-parts.ts'
import { createPerform } from './perform-operation.ts'
import { createSendBatcher } from './send-batcher.ts'
import { stopInTime, stopTimesMs, usingInTime } from './stop-in-time.ts'

export type { Config }

export interface Gateway extends AsyncDisposable {
  readonly port: number
}

/** The only door: keeps nothing that cannot be rebuilt, and can be killed at any time. */
export async function startGateway(config: Config, times: { idleMs?: number } = {}): Promise<Gateway> {
  await using stack = new AsyncDisposableStack()
  const development = config.environment === 'development'
  const log = createLogger({ service: 'gateway', level: config.logLevel })
  const metrics = createMetrics('gateway')
  const use = usingInTime(stack, log)
  const bus = use('bus', await connectBus({ url: config.natsUrl, service: 'gateway', log }))
  const routing = use('routing', await openGatewayRouting({ ...config, url: config.redisUrl, log }))

  const calls = callsOver(bus)
  const base = { ...config, bus, routing, calls, clock: systemClock, log }
  const limits = stack.use(
    await openLimits({ ...base, table: config.limits, onLimited: countLimited(metrics), now: Date.now }),
  )
  const addressOf = createAddressOf(config.trustedProxies)
  const identities = stack.use(createIdentities(base))
  // None before there is a hub, which is made of what asks for them.
  let connections: ReadonlyMap<string, ChatConnection> = new Map()
  const live = use(
    'live',
    await openLiveParts({ ...base, ...times, verifyToken: identities.verifyToken, connections: () => connections }),
  )
  const { sessions } = live
  const { verifyToken, assertLive } = sessions
  const identityOf = (connectionId: string) => connections.get(connectionId)?.identity
  const tickets = connectionTickets({ ...base, assertLive, identityOf, now: Date.now })
  const perform = createPerform(
    { ...calls, ...live, sends: createSendBatcher(calls.messaging), tickets },
    { limits, onPerformed: countOperations(metrics), log },
  )

  const allowOrigin = allowOriginOf({ allowedOrigins: config.allowedOrigins, development })
  const door = { ...base, verifyToken, identityOf, allowOrigin, limits, addressOf }
  const hub = openHub({ ...door, hub: createChatHub({ ...base, ...live, perform }), tickets })
  connections = hub.connections

  measureGateway(metrics, { ...live.figures, hub, routing, limits, identities })
  const checks = { nats: () => bus.check(), keys: () => identities.check(), revocations: () => sessions.check() }
  const health = createHealth({ checks, metrics })
  const http = stack.use(await serveClients({ ...door, config, health, hub, perform }))
  hub.attach(http.server)
  await routing.reachableAt(config.address ?? `http://${config.http.host}:${http.port}`)
  stack.defer(async () => {
    health.startDraining()
    await stopInTime('hub', hub.stop({ overMs: config.drainMs }), { timeoutMs: config.drainMs + stopTimesMs.hub, log })
  })
  const started = stack.move()
  return { port: http.port, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
