import { setTimeout as delay } from 'node:timers/promises'
import { connect, Events, type NatsConnection, type QueuedIterator, type Status } from 'nats'
import type { Logger } from '@parley/runtime'
import { BusError } from './bus-error.ts'
import { countAcknowledgements, type StoredAcknowledgements } from './stored-acknowledgements.ts'

/** A service's connection to NATS. It reconnects for ever; while it is away, calls fail at once instead of piling up. */
export interface Bus extends AsyncDisposable {
  readonly service: string
  readonly nats: NatsConnection
  readonly log: Logger
  /** Of events that this process publishes. */
  readonly acknowledgements: StoredAcknowledgements
  /** Throws `BusError('unavailable')` while NATS is away. */
  assertConnected(): void
  /** What `work` comes to, or `BusError('unavailable')` as soon as NATS is away: what was under way then may be lost. */
  whileConnected<Result>(work: () => Promise<Result>): Promise<Result>
  /** Resolves when NATS answers. A health check. */
  check(): Promise<void>
  /** Called after each reconnect: what was published meanwhile, for about so long, has not been heard. */
  onReconnect(listener: (awayMs: number) => void): void
}

const PING_INTERVAL_MS = 10_000
const RECONNECT_WAIT_MS = 250
const PUBLISH_TIMEOUT_MS = 5_000
const RECONNECT_JITTER_MS = 1_000
const MAX_PINGS_OUT = 2
/** How long NATS may take to take what is still to be sent when the connection ends. */
const DRAIN_TIMEOUT_MS = 1_500
/** A NATS that falls silent is noticed so late. */
const NOTICED_AFTER_MS = PING_INTERVAL_MS * (MAX_PINGS_OUT + 1)

export async function connectBus(options: { url: string; service: string; log: Logger }): Promise<Bus> {
  const { service, log } = options
  const address = new URL(options.url)
  // An inbox of its own per service: who may read another's inbox can read all its replies.
  const inboxPrefix = `_INBOX_${service}`
  const nats = await connect({
    servers: address.host,
    ...(address.username === ''
      ? {}
      : { user: decodeURIComponent(address.username), pass: decodeURIComponent(address.password) }),
    ...(address.protocol === 'tls:' ? { tls: {} } : {}),
    name: service,
    inboxPrefix,
    maxReconnectAttempts: -1,
    // Credentials that NATS refuses now may be right again when its configuration is.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: MAX_PINGS_OUT,
    // An Error made ahead for each request, only for the trace of those that fail, is a good part of what a request costs.
    noAsyncTraces: true,
  })
  const acknowledgements = countAcknowledgements(nats, { inboxPrefix, timeoutMs: PUBLISH_TIMEOUT_MS })
  const listeners: ((awayMs: number) => void)[] = []
  const interruptions = new Set<(reason: BusError) => void>()
  let connected = true
  let awayFrom = 0
  // Closing the connection does not end this iterator, whatever its declared type promises.
  const statuses = nats.status() as QueuedIterator<Status>
  const watching = watchStatus()

  async function watchStatus(): Promise<void> {
    for await (const status of statuses) {
      if (status.type === Events.Disconnect) {
        connected = false
        awayFrom = performance.now() - NOTICED_AFTER_MS
        log.warn('nats is away')
        for (const interrupt of interruptions) interrupt(new BusError('unavailable', 'nats went away'))
      } else if (status.type === Events.Reconnect) {
        connected = true
        log.info('nats is back')
        for (const listener of listeners) tell(listener, performance.now() - awayFrom)
      }
    }
  }

  function tell(listener: (awayMs: number) => void, awayMs: number): void {
    try {
      listener(awayMs)
    } catch (error) {
      log.error({ error }, 'reconnect could not be told')
    }
  }

  function assertConnected(): void {
    if (!connected || nats.isClosed()) throw new BusError('unavailable', 'nats is away')
  }

  async function whileConnected<Result>(work: () => Promise<Result>): Promise<Result> {
    assertConnected()
    const interrupted = Promise.withResolvers<never>()
    interruptions.add(interrupted.reject)
    try {
      return await Promise.race([work(), interrupted.promise])
    } finally {
      interruptions.delete(interrupted.reject)
    }
  }

  return {
    service,
    nats,
    log,
    acknowledgements,
    assertConnected,
    whileConnected,
    async check() {
      await whileConnected(() => nats.flush())
    },
    onReconnect: (listener) => void listeners.push(listener),
    async [Symbol.asyncDispose]() {
      // Draining waits for NATS to take what is still to be sent. When NATS is away, or goes away meanwhile, there is nothing
      // to wait for, and a drain would not close.
      if (connected && !nats.isClosed()) {
        const patience = new AbortController()
        const late = delay(DRAIN_TIMEOUT_MS, undefined, { signal: patience.signal })
        await Promise.race([whileConnected(() => nats.drain()), late]).catch(() => undefined)
        patience.abort()
      }
      await nats.close()
      for (const interrupt of interruptions) interrupt(new BusError('unavailable', 'the connection was closed'))
      statuses.stop()
      await watching
    },
  }
}
