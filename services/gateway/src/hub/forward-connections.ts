import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@parley/runtime'
import {
  answerRefusal,
  comeBackLater,
  HubRefusal,
  refuseUpgrade,
  unknownConnection,
  type Elsewhere,
  type Forwarding,
} from '@parley/signalr'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { keepOwnConnection } from '../http/own-connection.ts'

/** What other gateways' connections may cost here, and how long a home may be silent. */
export interface ForwardingLimits {
  /** Requests, streams and sockets that are passed on at the same time. */
  readonly atOnce: number
  /** The same for one connection: a poll, a POST, and some more that are late. */
  readonly perConnection: number
  readonly connectMs: number
  /** Until an upgrade is answered. */
  readonly upgradeMs: number
  /** As long as clients wait: polls are parked for 90 seconds, and a busy connection answers late. */
  readonly silenceMs: number
}

const defaultLimits: ForwardingLimits = {
  atOnce: 10_000,
  perConnection: 16,
  connectMs: 2_000,
  upgradeMs: 5_000,
  silenceMs: 100_000,
}

export interface ConnectionForwarding extends Forwarding {
  /** Breaks off what is passed on, at random moments within this time: the clients come back by another gateway. */
  stop(options: { overMs: number }): Promise<void>
}

/** Nothing is passed on twice. A client that sends it itself is answered like one whose connection is gone. */
const FORWARDED = 'x-parley-forwarded'
const MAX_IDLE_SOCKETS = 256

/**
 * Passes requests, streams and upgrades on to the gateway that keeps their connection, byte for byte. A home that is gone or
 * cannot be reached is like a connection that is gone: its clients start anew.
 */
export function forwardConnections(options: {
  addressOf: (home: string) => Promise<string | undefined>
  log: Logger
  limits?: Partial<ForwardingLimits>
}): ConnectionForwarding {
  const { addressOf, log } = options
  const limits = { ...defaultLimits, ...options.limits }
  const agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS })
  const addresses = new WeakMap<IncomingMessage, string>()
  const underWay = new Set<ServerResponse | Duplex>()
  const underWayOf = new Map<string, number>()
  const answered = new WeakSet<Socket>()
  let stopped = false

  const proxy = createProxyMiddleware<IncomingMessage, ServerResponse>({
    // By then the address is known: where looking it up can fail, the library cannot answer.
    router: (request) => addresses.get(request)!,
    agent,
    xfwd: true,
    headers: { [FORWARDED]: '1' },
    proxyTimeout: limits.silenceMs,
    on: {
      proxyReq: (proxied) => limitConnecting(proxied, limits.connectMs),
      proxyReqWs(proxied, _request, socket) {
        joinSockets(proxied, socket, limits.upgradeMs)
        for (const event of ['response', 'upgrade']) proxied.once(event, () => answered.add(socket))
      },
      proxyRes: keepOwnConnection,
      error(error, _request, target) {
        log.info({ error }, 'connection could not be passed on')
        if ('writeHead' in target) answerRefusal(target, unknownConnection())
        else if (answered.has(target)) target.destroy()
        else refuseUpgrade(target, unknownConnection())
      },
    },
  })

  /** Throws a `HubRefusal` if the request cannot be passed on. */
  async function prepare(
    { home, connectionId }: Elsewhere,
    request: IncomingMessage,
    target: ServerResponse | Duplex,
  ): Promise<void> {
    if (request.headers[FORWARDED] !== undefined) throw unknownConnection()
    if (stopped || underWay.size >= limits.atOnce) {
      throw comeBackLater()
    }
    const others = underWayOf.get(connectionId) ?? 0
    if (others >= limits.perConnection) throw new HubRefusal(429)
    underWay.add(target)
    underWayOf.set(connectionId, others + 1)
    target.once('close', () => {
      underWay.delete(target)
      const left = underWayOf.get(connectionId)! - 1
      if (left > 0) underWayOf.set(connectionId, left)
      else underWayOf.delete(connectionId)
    })
    const address = await addressOf(home)
    if (address === undefined) throw unknownConnection()
    addresses.set(request, address)
  }

  return {
    request(to, request, response) {
      prepare(to, request, response).then(
        () => {
          // The library would not hear any more that the client has gone.
          if (!response.closed) void proxy(request, response, () => answerRefusal(response, unknownConnection()))
        },
        (error: unknown) => answerRefusal(response, refusalOf(error)),
      )
    },
    upgrade(to, request, socket, head) {
      socket.on('error', ignoreError)
      prepare(to, request, socket).then(
        () => {
          if (!socket.destroyed) proxy.upgrade(request, socket as Socket, head)
        },
        (error: unknown) => refuseUpgrade(socket, refusalOf(error)),
      )
    },
    async stop({ overMs }) {
      const leaving = [...underWay].map(async (target) => {
        await delay(Math.random() * overMs)
        target.destroy()
      })
      await Promise.all(leaving)
      stopped = true
      for (const target of underWay) target.destroy()
      agent.destroy()
    },
  }

  function refusalOf(error: unknown): HubRefusal {
    if (error instanceof HubRefusal) return error
    log.error({ error }, 'home of a connection could not be looked up')
    return unknownConnection()
  }
}

/** A broken socket closes by itself. */
const ignoreError = (): void => {}

function limitConnecting(proxied: ClientRequest, timeoutMs: number): void {
  const { socket } = proxied
  if (socket === null || !socket.connecting) return
  const timer = setTimeout(() => proxied.destroy(new Error('home could not be reached in time')), timeoutMs)
  const clear = () => clearTimeout(timer)
  socket.once('connect', clear)
  socket.once('close', clear)
}

/** Ends an upgrade that is not answered in time, and lets neither of the two sockets outlive the other. */
function joinSockets(proxied: ClientRequest, socket: Socket, timeoutMs: number): void {
  const timer = setTimeout(() => proxied.destroy(new Error('home did not answer in time')), timeoutMs)
  const clear = () => clearTimeout(timer)
  proxied.once('response', clear)
  proxied.once('close', clear)
  proxied.once('upgrade', (_response, homeSocket: Socket) => {
    clear()
    homeSocket.once('close', () => socket.destroySoon())
    if (socket.destroyed) homeSocket.destroy()
    else socket.once('close', () => homeSocket.destroySoon())
  })
}
