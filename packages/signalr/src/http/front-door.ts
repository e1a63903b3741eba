import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { silentLog } from '../log.ts'
import { Entrance } from './entrance.ts'
import type { FrontDoorOptions } from './front-door-options.ts'
import type { House } from './house.ts'
import { answerRefusal, HubRefusal, ignoreSocketError, refuseUpgrade } from './hub-refusal.ts'
import { PlainRequests } from './plain-requests.ts'
import { normalPath, targetOf, type RequestTarget } from './request-target.ts'
import { Upgrades } from './upgrades.ts'

export interface FrontDoor extends Disposable {
  /** Answers what is meant for the house, and leaves the rest to `next`, or to a 404. */
  readonly handleRequest: (request: IncomingMessage, response: ServerResponse, next?: () => void) => void
  /** False: the upgrade is not meant for the house, and nothing has been done. */
  readonly handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean
}

/** Everything that comes by HTTP. */
export function createFrontDoor<Identity>(options: FrontDoorOptions<Identity>, house: House<Identity>): FrontDoor {
  const { log = silentLog } = options
  const hubPath = normalPath(options.path)
  const negotiatePath = `${hubPath}/negotiate`
  const entrance = new Entrance(options, house)
  const plainRequests = new PlainRequests(options, house, entrance)
  const upgrades = new Upgrades(options, house, entrance)

  async function negotiate(request: IncomingMessage, response: ServerResponse, query: RequestTarget['query']) {
    if (request.method !== 'POST') throw new HubRefusal(405, undefined, { allow: 'POST' })
    entrance.checkOrigin(request)
    entrance.admit()
    const { body, announced } = entrance.negotiate(query)
    if (announced !== undefined) {
      await entrance.identify(request, announced.connectionId, { isNew: true })
      entrance.expect(announced)
    }
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify(body))
  }

  function asRefusal(error: unknown): HubRefusal {
    if (error instanceof HubRefusal) return error
    log.error({ error }, 'hub request failed')
    return new HubRefusal(500)
  }

  return {
    handleRequest(request, response, next) {
      const { path, query } = targetOf(request)
      const answer =
        path === negotiatePath
          ? negotiate(request, response, query)
          : path === hubPath
            ? plainRequests.answer(request, response, query('id'))
            : undefined
      if (answer !== undefined) answer.catch((error: unknown) => answerRefusal(response, asRefusal(error)))
      else if (next !== undefined) next()
      else answerRefusal(response, new HubRefusal(404))
    },
    handleUpgrade(request, socket, head) {
      const { path, query } = targetOf(request)
      if (path !== hubPath) return false
      socket.on('error', ignoreSocketError)
      upgrades.answer(request, socket, head, query('id')).then(
        () => socket.off('error', ignoreSocketError),
        (error: unknown) => refuseUpgrade(socket, asRefusal(error)),
      )
      return true
    },
    [Symbol.dispose]: () => upgrades[Symbol.dispose](),
  }
}
