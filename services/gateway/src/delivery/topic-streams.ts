import type { Delivery } from '@parley/contracts'

/** What a topic's stream is at. */
interface Stream {
  /** The last version delivered. Undefined while the topic is being joined: what comes is held until it is known. */
  position: number | undefined
  /** What came too early, by version. */
  held: Map<number, Delivery> | undefined
  /** Too much came too early to be held: a repair must fetch it. */
  overflown: boolean
  repairing: boolean
}

/** What one topic may hold: a gap that lasts must not fill the memory. */
const MAX_HELD = 1_000

/**
 * Puts what arrives into order, topic by topic: the next version is delivered, an older one dropped, and after a gap what
 * comes is held until the missing versions have come, or have been fetched. So every change is delivered once and in order,
 * however often and in whatever order notices arrive.
 */
export class TopicStreams {
  readonly #streams = new Map<string, Stream>()
  readonly #deliver: (delivery: Delivery) => void
  readonly #repairLater: (topic: string) => void

  /** `repairLater` is asked once per gap, and must go on until `endRepair` says that it is whole. */
  constructor(options: { deliver: (delivery: Delivery) => void; repairLater: (topic: string) => void }) {
    this.#deliver = options.deliver
    this.#repairLater = options.repairLater
  }

  /** Begins to hold what arrives for this topic; false when it is known already. */
  join(topic: string): boolean {
    if (this.#streams.has(topic)) return false
    this.#streams.set(topic, { position: undefined, held: undefined, overflown: false, repairing: false })
    return true
  }

  leave(topic: string): void {
    this.#streams.delete(topic)
  }

  positionOf(topic: string): number | undefined {
    return this.#streams.get(topic)?.position
  }

  receive(delivery: Delivery): void {
    const stream = this.#streams.get(delivery.topic)
    if (stream === undefined) return
    if (stream.position !== undefined && delivery.version <= stream.position) return
    if (delivery.version - 1 === stream.position) {
      this.#deliverNext(stream, delivery)
      this.#deliverHeld(delivery.topic, stream)
      return
    }
    this.#hold(stream, delivery)
    if (stream.position !== undefined) this.#startRepair(delivery.topic, stream)
  }

  /** The topic has been joined at this position: what was held and is newer follows. Who comes second changes nothing. */
  start(topic: string, position: number): void {
    const stream = this.#streams.get(topic)
    if (stream === undefined || stream.position !== undefined) return
    stream.position = position
    this.#deliverHeld(topic, stream)
    if (stream.overflown) this.#startRepair(topic, stream)
  }

  /** Where a repair must fetch from. Undefined: nobody hears the topic any more, or it has not been joined yet. */
  beginRepair(topic: string): number | undefined {
    const stream = this.#streams.get(topic)
    if (stream?.position !== undefined) stream.overflown = false
    return stream?.position
  }

  /** What a repair has fetched, in order; `to` is the position it reaches. Versions without a change for clients are skipped. */
  receiveRepaired(topic: string, deliveries: readonly Delivery[], to: number): void {
    const stream = this.#streams.get(topic)
    if (stream?.position === undefined) return
    for (const delivery of deliveries) {
      if (delivery.version > stream.position) this.#deliverNext(stream, delivery)
    }
    stream.position = Math.max(stream.position, to)
    this.#deliverHeld(topic, stream)
  }

  /** The topic may be behind: the version that its owner names is compared, and a repair begins when it is higher. */
  compare(topic: string, version: number): void {
    const stream = this.#streams.get(topic)
    if (stream?.position !== undefined && version > stream.position) this.#startRepair(topic, stream)
  }

  /** A repair has ended; true when the topic still has a gap and needs another. */
  endRepair(topic: string): boolean {
    const stream = this.#streams.get(topic)
    if (stream === undefined) return false
    const gapped = stream.held !== undefined || stream.overflown
    stream.repairing = gapped
    return gapped
  }

  #hold(stream: Stream, delivery: Delivery): void {
    stream.held ??= new Map()
    if (stream.held.size < MAX_HELD) stream.held.set(delivery.version, delivery)
    else stream.overflown = true
  }

  #startRepair(topic: string, stream: Stream): void {
    if (stream.repairing) return
    stream.repairing = true
    this.#repairLater(topic)
  }

  #deliverNext(stream: Stream, delivery: Delivery): void {
    stream.position = delivery.version
    stream.held?.delete(delivery.version)
    this.#deliver(delivery)
  }

  #deliverHeld(topic: string, stream: Stream): void {
    if (stream.held === undefined || stream.position === undefined) return
    for (let next = stream.held.get(stream.position + 1); next !== undefined;) {
      this.#deliverNext(stream, next)
      next = stream.held.get(stream.position + 1)
    }
    for (const version of stream.held.keys()) if (version <= stream.position) stream.held.delete(version)
    if (stream.held.size === 0) stream.held = undefined
    else this.#startRepair(topic, stream)
  }
}
