import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { AbandonedSockets } from './abandoned-sockets.ts'
import { createClients, type Clients } from './clients/audience.ts'
import { Groups } from './clients/groups.ts'
import { Users } from './clients/users.ts'
import { Connection } from './connection/connection.ts'
import { FlushQueue } from './connection/flush-queue.ts'
import { Counts, type HubFigures } from './figures.ts'
import { attachHub } from './http/attached-hubs.ts'
import { createFrontDoor } from './http/front-door.ts'
import { entranceTimesMs, type EntranceOptions } from './http/front-door-options.ts'
import { createDispatcher } from './hub/dispatcher.ts'
import type { Hub, HubConnection } from './hub/hub.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { silentLog } from './log.ts'
import { jsonProtocol } from './protocol/json-protocol.ts'
import { messagePackProtocol } from './protocol/messagepack-protocol.ts'
import { TimingWheel } from './timing-wheel.ts'
import type { TransportName } from './transport/transport-name.ts'

export interface HubServerOptions<Identity, State = undefined> extends EntranceOptions<Identity> {
  readonly hub: Hub<Identity, State>
  /** Whose connection it is, for those who send to users. Asked once, before `onConnected`. */
  userIdOf?(identity: Identity): string | undefined
  readonly limits?: Partial<Limits>
  /** Invocations of one connection that run at the same time. One, the default, keeps them in order. */
  readonly maximumParallelInvocations?: number
  /** A client to which nothing was sent for so long gets a ping. */
  readonly keepAliveMs?: number
  /** A client that was silent for so long, while no method of it ran, is gone. */
  readonly clientTimeoutMs?: number
  readonly handshakeTimeoutMs?: number
  /** For how long something may stand open that a client has abandoned. */
  readonly abandonedTimeoutMs?: number
  /** How long an ending connection waits for its invocations to finish. */
  readonly invocationGraceMs?: number
  /** Tells clients the text of every error, not only of a `HubError`. */
  readonly detailedErrors?: boolean
}

/** Disposing stops it without spreading. */
export interface HubServer<Identity, State = undefined> extends AsyncDisposable {
  /** The open connections, by id. */
  readonly connections: ReadonlyMap<string, HubConnection<Identity, State>>
  /** For metrics, counted when it is asked for. */
  readonly figures: HubFigures
  /** Sends to many of them at once. */
  readonly clients: Clients
  /** For `http.createServer` or an express app: all but WebSockets. What is not meant for the hub goes to `next`. */
  readonly handleRequest: (request: IncomingMessage, response: ServerResponse, next?: () => void) => void
  /** Takes an upgrade; false if it is not meant for the hub. */
  readonly handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean
  /** Hears the upgrades of an HTTP server until the hub has stopped. */
  readonly attach: (server: Server) => void
  /**
   * Takes no new connections and closes those there are, in random order over so long, asking the clients to reconnect.
   * Invocations that were read finish first. Resolves when every client has been told, or had its
   * time to hear it, and the hub knows of each end.
   */
  stop(options?: { overMs?: number }): Promise<void>
}

const MAX_TICK_MS = 1_000
const MIN_TICK_MS = 10

/**
 * A SignalR server for one hub. It listens to nothing by itself: give it the requests and upgrades of an HTTP server.
 */
export function createHubServer<Identity, State = undefined>(
  options: HubServerOptions<Identity, State>,
): HubServer<Identity, State> {
  const { hub, log = silentLog, detailedErrors = false } = options
  const limits: Limits = { ...defaultLimits, ...options.limits }
  const timesMs = {
    handshake: options.handshakeTimeoutMs ?? 15_000,
    keepAlive: options.keepAliveMs ?? 15_000,
    clientTimeout: options.clientTimeoutMs ?? 30_000,
    buffered: limits.bufferedMs,
    abandoned: options.abandonedTimeoutMs ?? 600_000,
    ...entranceTimesMs(options),
  }
  const tickMs = Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, Math.min(...Object.values(timesMs)) / 10))
  const wheel = new TimingWheel(tickMs)
  const counts = new Counts()
  const abandoned = new AbandonedSockets(wheel, {
    most: limits.abandonedSockets,
    lifetimeTicks: wheel.ticksOf(timesMs.abandoned),
    keepAliveTicks: wheel.ticksOf(timesMs.keepAlive),
  })

  /** By id, from the request that opens it until its transport is closed. */
  const sockets = new Map<string, Connection<Identity, State>>()
  /** By id, from the end of the handshake until the connection has ended. */
  const connections = new Map<string, Connection<Identity, State>>()
  const groups = new Groups<Connection<Identity, State>>()
  const users = new Users<Identity, Connection<Identity, State>>({
    userIdOf: (identity) => options.userIdOf?.(identity),
    connectionsPerUser: limits.connectionsPerUser,
  })
  let invocations = 0
  const endings = new Set<Promise<void>>()
  const detach: (() => void)[] = []
  let stopped: Promise<void> | undefined
  let allClosed: PromiseWithResolvers<void> | undefined

  const host = {
    hub,
    dispatcher: createDispatcher(hub, { detailedErrors, log }),
    protocols: [jsonProtocol, messagePackProtocol],
    limits,
    inboxLimits: {
      unfinished: limits.unfinishedInvocations,
      parallel: options.maximumParallelInvocations ?? 1,
      unfinishedBytes: limits.unfinishedBytes,
      openStreams: limits.openStreams,
      uploadItems: limits.uploadItems,
    },
    intervals: {
      handshake: wheel.ticksOf(timesMs.handshake),
      keepAlive: wheel.ticksOf(timesMs.keepAlive),
      clientTimeout: wheel.ticksOf(timesMs.clientTimeout),
      buffered: wheel.ticksOf(timesMs.buffered),
      disconnect: wheel.ticksOf(timesMs.disconnect),
    },
    wheel,
    flushes: new FlushQueue(),
    abandoned,
    counts,
    log,
    invocationGraceMs: options.invocationGraceMs ?? 5_000,
    groups,
    nextInvocationId: () => `s${++invocations}`,
    opened(connection: Connection<Identity, State>) {
      counts.opened += 1
      connections.set(connection.id, connection)
      users.add(connection)
    },
    ended(connection: Connection<Identity, State>, told: Promise<void>) {
      if (connections.get(connection.id) === connection) connections.delete(connection.id)
      groups.leaveAll(connection)
      users.delete(connection)
      endings.add(told)
      void told.finally(() => endings.delete(told))
    },
    closed(connection: Connection<Identity, State>) {
      if (sockets.get(connection.id) === connection) sockets.delete(connection.id)
      if (sockets.size === 0) allClosed?.resolve()
    },
  }

  const frontDoor = createFrontDoor<Identity>(
    { ...options, limits, wheel, abandoned, counts },
    {
      get isStopping() {
        return stopped !== undefined
      },
      find: (connectionId) => sockets.get(connectionId),
      open({ connectionId, identity, openTransport, isStateful }) {
        sockets.set(connectionId, new Connection(host, connectionId, identity, openTransport, isStateful))
      },
    },
  )

  async function drain(overMs: number): Promise<void> {
    const leaving = shuffled([...sockets.values()])
    const startedMs = performance.now()
    allClosed = Promise.withResolvers()
    if (sockets.size === 0) allClosed.resolve()
    const drained = leaving.map(async (connection, index) => {
      const waitMs = startedMs + (overMs * index) / leaving.length - performance.now()
      // Those who have gone by themselves are not waited for.
      if (waitMs > 0) await delay(waitMs, undefined, { ref: false })
      await connection.drain()
    })
    await Promise.race([Promise.all(drained), allClosed.promise])
    await allClosed.promise
    await Promise.all(endings)
    for (const undo of detach) undo()
    abandoned[Symbol.dispose]()
    frontDoor[Symbol.dispose]()
    wheel[Symbol.dispose]()
  }

  const stop = (by: { overMs?: number } = {}): Promise<void> => (stopped ??= drain(by.overMs ?? 0))

  return {
    connections,
    get figures() {
      return figuresOf(counts, [...connections.values()], stopped === undefined ? null : sockets.size)
    },
    clients: createClients({ connections, groups, users }),
    handleRequest: frontDoor.handleRequest,
    handleUpgrade: frontDoor.handleUpgrade,
    stop,
    [Symbol.asyncDispose]: stop,
    attach(server) {
      detach.push(attachHub(server, frontDoor.handleUpgrade))
    },
  }
}

function figuresOf(
  counts: Counts,
  connections: readonly { readonly transport: TransportName; readonly bufferedBytes: number }[],
  leaving: number | null,
): HubFigures {
  const carried = { WebSockets: 0, ServerSentEvents: 0, LongPolling: 0 }
  let bufferedBytes = 0
  for (const connection of connections) {
    carried[connection.transport] += 1
    bufferedBytes += connection.bufferedBytes
  }
  const { opened, failedHandshakes, ended, dropped, replaced, turnedAway } = counts
  return {
    connections: carried,
    opened,
    failedHandshakes,
    ended: { ...ended },
    dropped,
    replaced,
    turnedAway,
    bufferedBytes,
    leaving,
  }
}

function shuffled<T>(list: T[]): T[] {
  for (let index = list.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1))
    ;[list[index], list[other]] = [list[other]!, list[index]!]
  }
  return list
}
