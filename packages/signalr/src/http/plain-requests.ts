import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpTransport, HttpTransportHost } from '../transport/http-transport.ts'
import { LongPollingTransport } from '../transport/long-polling-transport.ts'
import { ServerSentEventsTransport } from '../transport/server-sent-events-transport.ts'
import { CLOSE_TIMEOUT_MS } from '../transport/transport.ts'
import type { Entrance } from './entrance.ts'
import { entranceTimesMs, type FrontDoorOptions } from './front-door-options.ts'
import type { House, Tenant } from './house.ts'
import { HubRefusal, unknownConnection } from './hub-refusal.ts'

interface PlainRequest<Identity> {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly connectionId: string
  readonly identity: Identity
  /** Undefined: it was only negotiated. */
  readonly tenant: Tenant<Identity> | undefined
}

const OK = { 'content-length': 0, 'cache-control': 'no-store' }

/**
 * Requests to the hub itself that are no upgrades: they open and carry the connections over Server-Sent Events and long
 * polling.
 */
export class PlainRequests<Identity> {
  readonly #options: FrontDoorOptions<Identity>
  readonly #house: House<Identity>
  readonly #entrance: Entrance<Identity>
  readonly #host: HttpTransportHost
  /** By connection id. */
  readonly #transports = new Map<string, HttpTransport>()
  readonly #answers = new Map<string | undefined, (request: PlainRequest<Identity>) => unknown>([
    ['GET', (request) => this.#get(request)],
    ['POST', (request) => this.#post(request)],
    ['DELETE', (request) => this.#delete(request)],
  ])

  constructor(options: FrontDoorOptions<Identity>, house: House<Identity>, entrance: Entrance<Identity>) {
    const { wheel, abandoned, limits } = options
    const timesMs = entranceTimesMs(options)
    this.#options = options
    this.#house = house
    this.#entrance = entrance
    this.#host = {
      wheel,
      abandoned,
      postsAtOnce: limits.postsAtOnce,
      bodyLimits: { bytes: limits.batchBytes, ticks: wheel.ticksOf(timesMs.body) },
      pollTicks: wheel.ticksOf(timesMs.poll),
      disconnectTicks: wheel.ticksOf(timesMs.disconnect),
      closeTicks: wheel.ticksOf(CLOSE_TIMEOUT_MS),
      closed: ({ connectionId }) => void this.#transports.delete(connectionId),
    }
  }

  /** Rejects with a `HubRefusal`. */
  async answer(request: IncomingMessage, response: ServerResponse, token: string | undefined): Promise<void> {
    const answer = this.#answers.get(request.method)
    if (answer === undefined) throw new HubRefusal(405, undefined, { allow: [...this.#answers.keys()].join(', ') })
    this.#entrance.checkOrigin(request)
    if (!token) throw new HubRefusal(400, 'Connection ID required')
    const { connectionId, home, isKnown } = this.#entrance.locate(token)
    if (!isKnown && home !== undefined) {
      if (this.#options.forwarding === undefined) throw unknownConnection()
      return this.#options.forwarding.request({ home, connectionId }, request, response)
    }
    const identity = await this.#entrance.identify(request, connectionId, { isNew: false })
    if (!isKnown) throw unknownConnection()
    // Who has left meanwhile gets nothing, above all no connection.
    if (request.socket.destroyed) return
    const tenant = this.#house.find(connectionId)
    if (tenant !== undefined) this.#entrance.checkIdentity(tenant, identity)
    await answer({ request, response, connectionId, identity, tenant })
  }

  #get(plain: PlainRequest<Identity>): void {
    const { request, response, connectionId, tenant } = plain
    const wantsEvents = request.headers.accept?.toLowerCase().includes('text/event-stream') === true
    const name = wantsEvents ? 'ServerSentEvents' : 'LongPolling'
    this.#entrance.checkOffered(name)
    if (tenant === undefined) return this.#open(plain, name)
    if (tenant.transport !== name) throw new HubRefusal(400)
    const transport = this.#transports.get(connectionId)
    if (transport instanceof LongPollingTransport) return transport.poll(response)
    throw tenant.hasEnded ? unknownConnection() : new HubRefusal(409)
  }

  #open({ response, connectionId, identity }: PlainRequest<Identity>, name: HttpTransport['name']): void {
    this.#entrance.checkOpen()
    if (this.#entrance.take(connectionId) === undefined) throw unknownConnection()
    const Opened = name === 'LongPolling' ? LongPollingTransport : ServerSentEventsTransport
    this.#house.open({
      connectionId,
      identity,
      transport: name,
      isStateful: false,
      openTransport: (listener) => {
        const transport = new Opened(response, connectionId, listener, this.#host)
        this.#transports.set(connectionId, transport)
        return transport
      },
    })
  }

  async #post({ request, response, connectionId, tenant }: PlainRequest<Identity>): Promise<void> {
    if (tenant?.transport === 'WebSockets') throw new HubRefusal(405, undefined, { allow: 'GET' })
    const transport = this.#transports.get(connectionId)
    if (transport === undefined) throw unknownConnection()
    await transport.receive(request)
    response.writeHead(200, OK).end()
  }

  /** The client will not poll again. */
  #delete({ response, connectionId, tenant }: PlainRequest<Identity>): void {
    if (tenant === undefined) throw unknownConnection()
    const transport = this.#transports.get(connectionId)
    if (!(transport instanceof LongPollingTransport)) throw new HubRefusal(400)
    transport.leave()
    response.writeHead(202, OK).end()
  }
}
