import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketUpgrades, type WebSocketUpgrades } from '../transport/websocket-upgrades.ts'
import { CLOSE_TIMEOUT_MS } from '../transport/transport.ts'
import type { Entrance } from './entrance.ts'
import type { FrontDoorOptions } from './front-door-options.ts'
import type { House, Tenant } from './house.ts'
import { HubRefusal, unknownConnection } from './hub-refusal.ts'

/** Requests to the hub that become WebSockets. */
export class Upgrades<Identity> implements Disposable {
  readonly #options: FrontDoorOptions<Identity>
  readonly #house: House<Identity>
  readonly #entrance: Entrance<Identity>
  readonly #webSockets: WebSocketUpgrades

  constructor(options: FrontDoorOptions<Identity>, house: House<Identity>, entrance: Entrance<Identity>) {
    this.#options = options
    this.#house = house
    this.#entrance = entrance
    this.#webSockets = createWebSocketUpgrades(options.limits, {
      wheel: options.wheel,
      closeTicks: options.wheel.ticksOf(CLOSE_TIMEOUT_MS),
    })
  }

  /** Rejects with a `HubRefusal`. */
  async answer(request: IncomingMessage, socket: Duplex, head: Buffer, token: string | undefined): Promise<void> {
    const { forwarding } = this.#options
    const entrance = this.#entrance
    entrance.checkOrigin(request)
    entrance.checkOffered('WebSockets')
    const located = token === undefined ? undefined : entrance.locate(token)
    if (located?.isKnown === false && located.home !== undefined) {
      const { home, connectionId, isStateful, isExpired } = located
      if (isStateful && forwarding !== undefined) {
        return forwarding.upgrade({ home, connectionId }, request, socket, head)
      }
      if (isStateful || isExpired) throw unknownConnection()
    }
    const isNew = located?.isKnown !== true
    if (isNew) entrance.admit()
    const connectionId = located?.connectionId ?? entrance.mintId()
    const identity = await entrance.identify(request, connectionId, { isNew })
    const tenant = this.#house.find(connectionId)
    if (tenant?.hasEnded === false) {
      entrance.checkIdentity(tenant, identity)
      if (tenant.transport !== 'WebSockets') throw new HubRefusal(400)
      return this.#reattach(tenant, request, socket, head)
    }
    entrance.checkOpen()
    const negotiated = entrance.take(connectionId)
    // Who comes without a token, or with another server's, has not negotiated here.
    if (negotiated === undefined && located?.home === undefined && located !== undefined) throw unknownConnection()
    const isStateful = negotiated?.isStateful ?? false
    this.#webSockets.accept(request, socket, head, (openTransport) =>
      this.#house.open({ connectionId, identity, transport: 'WebSockets', isStateful, openTransport }),
    )
  }

  async #reattach(tenant: Tenant<Identity>, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { resumable } = tenant
    if (resumable?.mayReattach !== true) throw new HubRefusal(409)
    await resumable.socketCloses()
    if (!resumable.mayReattach) throw unknownConnection()
    this.#webSockets.accept(request, socket, head, (openTransport) => resumable.reattach(openTransport))
  }

  [Symbol.dispose](): void {
    this.#webSockets[Symbol.dispose]()
  }
}
