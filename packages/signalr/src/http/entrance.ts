import type { IncomingMessage } from 'node:http'
import { allTransports, type TransportName } from '../transport/transport-name.ts'
import { Admission } from './admission.ts'
import { randomTokens, type ConnectionTokens, type TokenReading } from './connection-tokens.ts'
import { entranceTimesMs, type FrontDoorOptions } from './front-door-options.ts'
import type { House, Tenant } from './house.ts'
import { comeBackLater, HubRefusal, unknownConnection } from './hub-refusal.ts'
import { negotiate, type Negotiation } from './negotiate.ts'
import { Negotiations } from './negotiations.ts'
import type { RequestTarget } from './request-target.ts'

export interface Located extends TokenReading {
  /** Its connection lives here, or was negotiated here. */
  readonly isKnown: boolean
}

/** Who may come in. Its checks throw a `HubRefusal`. */
export class Entrance<Identity> {
  readonly #options: FrontDoorOptions<Identity>
  readonly #house: House<Identity>
  readonly #admission: Admission
  readonly #negotiations: Negotiations
  readonly #tokens: ConnectionTokens
  readonly #transports: readonly TransportName[]

  constructor(options: FrontDoorOptions<Identity>, house: House<Identity>) {
    const { limits, wheel, tokens = randomTokens, transports = allTransports } = options
    this.#options = options
    this.#house = house
    this.#tokens = tokens
    this.#transports = transports
    this.#admission = new Admission(limits.handshakesPerSecond)
    this.#negotiations = new Negotiations({
      lifetimeTicks: wheel.ticksOf(entranceTimesMs(options).negotiation),
      maxPending: limits.pendingNegotiations,
    })
    wheel.everyTick((tick) => this.#negotiations.expire(tick))
  }

  checkOrigin({ headers }: IncomingMessage): void {
    if (this.#options.allowOrigin?.(headers.origin) === false) throw new HubRefusal(403)
  }

  checkOffered(transport: TransportName): void {
    if (!this.#transports.includes(transport)) throw new HubRefusal(404)
  }

  checkOpen(): void {
    if (this.#house.isStopping) throw this.#turnedAway()
  }

  checkIdentity(tenant: Tenant<Identity>, presented: Identity): void {
    if (this.#options.isSameIdentity?.(tenant.identity, presented) === false) throw new HubRefusal(403)
  }

  /** Somebody new begins to connect. */
  admit(): void {
    this.checkOpen()
    if (!this.#admission.admits()) throw this.#turnedAway()
  }

  /**
   * Who it is. A newcomer who is turned away takes nobody's place: a flood of them does not keep others out. Rejects with
   * what `authenticate` says.
   */
  async identify(request: IncomingMessage, connectionId: string, by: { isNew: boolean }): Promise<Identity> {
    try {
      return await this.#options.authenticate(request, connectionId)
    } catch (error) {
      if (by.isNew) this.#admission.turnAway()
      throw error
    }
  }

  /** For who comes without a token. */
  mintId(): string {
    return this.#tokens.mint({ isStateful: false }).connectionId
  }

  /** What a token stands for. */
  locate(token: string): Located {
    const reading = this.#tokens.read(token)
    if (reading === null) throw unknownConnection()
    const { connectionId } = reading
    const isKnown = this.#house.find(connectionId) !== undefined || this.#negotiations.has(connectionId)
    return { ...reading, isKnown }
  }

  negotiate(query: RequestTarget['query']): Negotiation {
    return negotiate(query, {
      tokens: this.#tokens,
      transports: this.#transports,
      allowStatefulReconnect: this.#options.allowStatefulReconnect ?? true,
    })
  }

  /** Its client has so long to connect. */
  expect({ connectionId, isStateful }: { connectionId: string; isStateful: boolean }): void {
    if (this.#negotiations.isFull) throw this.#turnedAway()
    this.#negotiations.add(connectionId, isStateful, this.#options.wheel.tick)
  }

  /** What was negotiated here, once. */
  take(connectionId: string): { readonly isStateful: boolean } | undefined {
    return this.#negotiations.take(connectionId)
  }

  #turnedAway(): HubRefusal {
    this.#options.counts.turnedAway += 1
    return comeBackLater()
  }
}
