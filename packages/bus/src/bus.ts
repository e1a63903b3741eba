import { connect, Events, type NatsConnection } from 'nats'
import type { Logger } from '@parley/runtime'
import { BusError } from './bus-error.ts'

/** A service's connection to NATS. It reconnects for ever; while it is away, calls fail at once instead of piling up. */
export interface Bus extends AsyncDisposable {
  readonly service: string
  readonly nats: NatsConnection
  readonly log: Logger
  /** Throws `BusError('unavailable')` while NATS is away. */
  assertConnected(): void
  /** Resolves when NATS answers. A health check. */
  check(): Promise<void>
  /** Called after each reconnect: what was published meanwhile has not been heard. */
  onReconnect(listener: () => void): void
}

const PING_INTERVAL_MS = 10_000
const RECONNECT_WAIT_MS = 250
const RECONNECT_JITTER_MS = 1_000

export async function connectBus(options: { url: string; service: string; log: Logger }): Promise<Bus> {
  const { service, log } = options
  const address = new URL(options.url)
  const nats = await connect({
    servers: address.host,
    ...(address.username === ''
      ? {}
      : { user: decodeURIComponent(address.username), pass: decodeURIComponent(address.password) }),
    ...(address.protocol === 'tls:' ? { tls: {} } : {}),
    name: service,
    // An inbox of its own per service: who may read another's inbox can read all its replies.
    inboxPrefix: `_INBOX_${service}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
  })
  const listeners: (() => void)[] = []
  let connected = true
  const watching = watchStatus()

  async function watchStatus(): Promise<void> {
    for await (const status of nats.status()) {
      if (status.type === Events.Disconnect) {
        connected = false
        log.warn('nats is away')
      } else if (status.type === Events.Reconnect) {
        connected = true
        log.info('nats is back')
        for (const listener of listeners) listener()
      }
    }
  }

  function assertConnected(): void {
    if (!connected || nats.isClosed()) throw new BusError('unavailable', 'nats is away')
  }

  return {
    service,
    nats,
    log,
    assertConnected,
    async check() {
      assertConnected()
      await nats.flush()
    },
    onReconnect: (listener) => void listeners.push(listener),
    async [Symbol.asyncDispose]() {
      // Draining waits for NATS to take what is still to be sent; with NATS away there is nothing to wait for.
      if (connected && !nats.isClosed()) await nats.drain()
      else await nats.close()
      await watching
    },
  }
}
