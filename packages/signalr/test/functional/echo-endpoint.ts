import type { HubServer } from '../../src/index.ts'
import { AbandonedSockets } from '../../src/abandoned-sockets.ts'
import { createFrontDoor } from '../../src/http/front-door.ts'
import type { Opening, Tenant } from '../../src/http/house.ts'
import { defaultLimits } from '../../src/limits.ts'
import { EncodedMessage } from '../../src/protocol/encoded-message.ts'
import { TimingWheel } from '../../src/timing-wheel.ts'
import type { Transport, TransportListener } from '../../src/transport/transport.ts'
import type { TransportName } from '../../src/transport/transport-name.ts'

/** Something with connections at a path of its own. */
export type Endpoint = Pick<HubServer<never>, 'handleRequest' | 'handleUpgrade' | typeof Symbol.asyncDispose>

const TICK_MS = 100

/** Gives back all bytes that come, by the transports of the hubs but without their protocol. */
export function createEchoEndpoint(path: string): Endpoint {
  const wheel = new TimingWheel(TICK_MS)
  const abandoned = new AbandonedSockets(wheel, { most: 1, lifetimeTicks: 1, keepAliveTicks: 1 })
  const echoes = new Map<string, Echo>()
  const frontDoor = createFrontDoor<undefined>(
    { path, authenticate: () => undefined, limits: defaultLimits, wheel, abandoned, counts: { turnedAway: 0 } },
    {
      isStopping: false,
      find: (connectionId) => echoes.get(connectionId),
      open: (opening) => echoes.set(opening.connectionId, new Echo(opening, (id) => echoes.delete(id))),
    },
  )
  return {
    handleRequest: frontDoor.handleRequest,
    handleUpgrade: frontDoor.handleUpgrade,
    async [Symbol.asyncDispose]() {
      for (const echo of echoes.values()) echo.end()
      frontDoor[Symbol.dispose]()
      wheel[Symbol.dispose]()
    },
  }
}

class Echo implements Tenant<undefined>, TransportListener {
  readonly identity = undefined
  readonly transport: TransportName
  hasEnded = false
  readonly #id: string
  readonly #transport: Transport
  readonly #onClosed: (id: string) => void

  constructor(opening: Opening<undefined>, onClosed: (id: string) => void) {
    this.#id = opening.connectionId
    this.#onClosed = onClosed
    this.transport = opening.transport
    this.#transport = opening.openTransport(this)
  }

  received(bytes: Buffer): void {
    const asText = { isBinary: false, isCounted: false }
    this.#transport.write([new EncodedMessage(bytes.length, asText, (target, offset) => bytes.copy(target, offset))])
  }

  drained(): void {}

  end(): void {
    this.hasEnded = true
    this.#transport.close()
  }

  closed(): void {
    this.hasEnded = true
    this.#onClosed(this.#id)
  }
}
