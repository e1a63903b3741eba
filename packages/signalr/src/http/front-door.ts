import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ConnectionTokens } from '../connection-tokens.ts'
import type { HubLog } from '../log.ts'
import { admit, identify, type GateOptions } from './gate.ts'
import { answerRefusal, comeBackIn, HubRefusal, ignoreSocketError, refuseUpgrade } from './hub-refusal.ts'
import { negotiate } from './negotiate.ts'
import type { Negotiations } from './negotiations.ts'
import { normalPath, targetOf } from './request-target.ts'

export interface FrontDoorOptions<Identity> extends GateOptions<Identity> {
  readonly path: string
  readonly tokens: ConnectionTokens
  readonly log: HubLog
}

/** What the front door has to know of the house behind it. */
export interface House<Identity> {
  readonly negotiations: Negotiations
  readonly isStopping: boolean
  readonly tick: number
  isConnected(connectionId: string): boolean
  /** Makes a WebSocket connection of the request. Synchronous, so that no other request comes between. */
  welcome(connectionId: string, identity: Identity, request: IncomingMessage, socket: Duplex, head: Buffer): void
}

const RETRY_SECONDS = 1

/** Everything that comes by HTTP: negotiate, upgrades, and requests that make no sense. */
export function createFrontDoor<Identity>(options: FrontDoorOptions<Identity>, house: House<Identity>) {
  const hubPath = normalPath(options.path)
  const negotiatePath = `${hubPath}/negotiate`

  function checkOpen(): void {
    if (house.isStopping) throw comeBackIn(RETRY_SECONDS)
  }

  async function answerNegotiate(request: IncomingMessage, response: ServerResponse, version: string | undefined) {
    if (request.method !== 'POST') throw new HubRefusal(405, undefined, { allow: 'POST' })
    checkOpen()
    if (house.negotiations.isFull) throw comeBackIn(RETRY_SECONDS)
    admit(request, options)
    await identify(request, options)
    const { body, connectionId } = negotiate(version, options.tokens)
    if (connectionId !== undefined) house.negotiations.add(connectionId, house.tick)
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify(body))
  }

  /** There are WebSockets only, so a plain request to the hub itself can only be told what is wrong with it. */
  async function answerPlain(request: IncomingMessage, token: string | undefined): Promise<never> {
    checkOpen()
    await identify(request, options)
    if (token === undefined) throw new HubRefusal(400, 'Connection ID required')
    const reading = options.tokens.read(token)
    if (reading === null || !house.isConnected(reading.connectionId)) throw unknownConnection()
    throw request.method === 'POST' ? new HubRefusal(405, undefined, { allow: 'GET' }) : new HubRefusal(400)
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, token: string | undefined) {
    checkOpen()
    const reading = token === undefined ? undefined : options.tokens.read(token)
    if (!reading || !house.negotiations.has(reading.connectionId)) admit(request, options)
    const identity = await identify(request, options)
    checkOpen()
    if (reading === null) throw unknownConnection()
    if (reading === undefined) return house.welcome(options.tokens.mint().connectionId, identity, request, socket, head)
    const { connectionId, isForeign } = reading
    if (house.isConnected(connectionId)) throw new HubRefusal(409)
    if (!house.negotiations.take(connectionId) && !isForeign) throw unknownConnection()
    house.welcome(connectionId, identity, request, socket, head)
  }

  return {
    /** Answers what is meant for the hub, and leaves the rest to `next`, or to a 404. */
    handleRequest(request: IncomingMessage, response: ServerResponse, next?: () => void): void {
      const { path, query } = targetOf(request)
      const answer =
        path === negotiatePath
          ? answerNegotiate(request, response, query('negotiateversion'))
          : path === hubPath
            ? answerPlain(request, query('id'))
            : undefined
      if (answer !== undefined) answer.catch((error: unknown) => answerRefusal(response, asRefusal(error)))
      else if (next !== undefined) next()
      else answerRefusal(response, new HubRefusal(404))
    },
    /** False: the upgrade is not meant for the hub, and nothing has been done. */
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
      const { path, query } = targetOf(request)
      if (path !== hubPath) return false
      socket.on('error', ignoreSocketError)
      upgrade(request, socket, head, query('id')).then(
        () => socket.off('error', ignoreSocketError),
        (error: unknown) => refuseUpgrade(socket, asRefusal(error)),
      )
      return true
    },
  }

  function asRefusal(error: unknown): HubRefusal {
    if (error instanceof HubRefusal) return error
    options.log.error({ error }, 'hub request failed')
    return new HubRefusal(500)
  }
}

const unknownConnection = () => new HubRefusal(404, 'No Connection with that ID')
