import { connectBus } from '@parley/bus'
import { openGatewayRouting } from '@parley/routing'
import { createHealth, createLogger, createMetrics, systemClock } from '@parley/runtime'
import { callsOver } from './calls-over.ts'
import type { Config } from './config.ts'
import { allowOriginOf } from './http/allowed-origin.ts'
import { serveClients } from './http/serve-clients.ts'
import { createChatHub } from './hub/chat-hub.ts'
import { openHub } from './hub/open-hub.ts'
import { connectionTickets } from './identity/connection-tickets.ts'
import { createIdentity } from './identity/create-identity.ts'
import { countOperations, measureGateway } from './metrics.ts'
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
  const { connectionsPerUser } = config
  const development = config.environment === 'development'
  const log = createLogger({ service: 'gateway', level: config.logLevel })
  const metrics = createMetrics('gateway')
  const use = usingInTime(stack, log)
  const bus = use('bus', await connectBus({ url: config.natsUrl, service: 'gateway', log }))
  const routing = use('routing', await openGatewayRouting({ url: config.redisUrl, connectionsPerUser, log }))

  const calls = callsOver(bus)
  const tickets = connectionTickets({ secret: config.secret, routing, now: Date.now })
  const find = (connectionId: string) => hub.connections.get(connectionId)
  const live = use(
    'live',
    await openLiveParts({ ...config, ...times, bus, routing, calls, find, clock: systemClock, log }),
  )
  const perform = createPerform(
    { ...calls, ...live, sends: createSendBatcher(calls.messaging), tickets },
    { onPerformed: countOperations(metrics), log },
  )

  const { keys, verifyToken } = createIdentity({ ...config, log })
  const allowOrigin = allowOriginOf({ allowedOrigins: config.allowedOrigins, development })
  const hub = openHub({
    hub: createChatHub({ ...live, perform, clock: systemClock, log }),
    verifyToken,
    tickets,
    routing,
    allowOrigin,
    secret: config.secret,
    connectionsPerUser,
    handshakesPerSecond: config.handshakesPerSecond,
    log,
  })

  measureGateway(metrics, { ...live.figures, hub, routing })
  const health = createHealth({ checks: { nats: () => bus.check(), keys: () => keys.check() }, metrics })
  const http = stack.use(await serveClients({ config, health, hub, perform, verifyToken, allowOrigin, calls, log }))
  hub.attach(http.server)
  await routing.reachableAt(config.address ?? `http://${config.http.host}:${http.port}`)
  stack.defer(async () => {
    health.startDraining()
    await stopInTime('hub', hub.stop({ overMs: config.drainMs }), { timeoutMs: config.drainMs + stopTimesMs.hub, log })
  })
  const started = stack.move()
  return { port: http.port, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
