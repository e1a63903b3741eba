import type { Delivery } from '@parley/contracts'
import type { ChangePage } from './topic-reader.ts'

/** What a topic's stream is at. */
interface Stream {
  /** The last version delivered. Undefined while the topic is being joined: what comes is held until it is known. */
  position: number | undefined
  /** What came too early, by the version that it follows. */
  held: Map<number, Delivery> | undefined
  /** Something is known of that is not held: too much came too early, or the topic's owner names it. A repair must fetch it. */
  mustFetch: boolean
  repairing: boolean
}

/** What one topic may hold: a gap that lasts must not fill the memory. */
const MAX_HELD = 1_000

/**
 * Puts what arrives into order, topic by topic: the next change is delivered, an older one dropped, and after a gap what
 * comes is held until what is missing has come, or has been fetched. A change may stand for several versions. So each version
 * is delivered once and in order, however often and in whatever order notices arrive.
 */
export class TopicStreams {
  readonly #streams = new Map<string, Stream>()
  readonly #deliver: (delivery: Delivery) => void
  readonly #skip: (topic: string, page: ChangePage) => void
  readonly #repairLater: (topic: string) => void

  /**
   * `repairLater` is asked once per gap, and must go on until `endRepair` says that it is whole. `skip` comes in place of
   * `deliver` where there is too much.
   */
  constructor(options: {
    deliver: (delivery: Delivery) => void
    skip: (topic: string, page: ChangePage) => void
    repairLater: (topic: string) => void
  }) {
    this.#deliver = options.deliver
    this.#skip = options.skip
    this.#repairLater = options.repairLater
  }

  /** Begins to hold what arrives for this topic; false when it is known already. */
  join(topic: string): boolean {
    if (this.#streams.has(topic)) return false
    this.#streams.set(topic, { position: undefined, held: undefined, mustFetch: false, repairing: false })
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
    const { position } = stream
    if (position !== undefined && isNext(delivery, position)) {
      this.#deliverNext(stream, delivery)
      this.#deliverHeld(delivery.topic, stream)
    } else if (position === undefined || delivery.version > position) {
      this.#hold(stream, delivery)
      if (position !== undefined) this.#startRepair(delivery.topic, stream)
    }
  }

  /** The topic has been joined at this position: what was held and is newer follows. Who comes second changes nothing. */
  start(topic: string, position: number): void {
    const stream = this.#streams.get(topic)
    if (stream === undefined || stream.position !== undefined) return
    stream.position = position
    this.#deliverHeld(topic, stream)
    if (stream.mustFetch) this.#startRepair(topic, stream)
  }

  /** Where a repair must fetch from. Undefined: nobody hears the topic any more, or it has not been joined yet. */
  beginRepair(topic: string): number | undefined {
    const stream = this.#streams.get(topic)
    if (stream?.position !== undefined) stream.mustFetch = false
    return stream?.position
  }

  /** What a repair has fetched. Versions without a change for clients are not in it. */
  receiveRepaired(topic: string, page: ChangePage): void {
    const stream = this.#streams.get(topic)
    if (stream?.position === undefined) return
    if (page.isTooMuch) {
      if (page.to > stream.position) this.#skip(topic, page)
    } else {
      for (const delivery of page.deliveries) {
        if (delivery.version > stream.position) this.#deliverNext(stream, delivery)
      }
    }
    stream.position = Math.max(stream.position, page.to)
    this.#deliverHeld(topic, stream)
  }

  /** The topic may be behind: the version that its owner names is compared, and a repair begins when it is higher. */
  compare(topic: string, version: number): void {
    const stream = this.#streams.get(topic)
    if (stream === undefined || version <= (stream.position ?? -1)) return
    // A repair under way may have fetched before this version was there, and whoever joins may have read before it.
    stream.mustFetch = true
    if (stream.position !== undefined) this.#startRepair(topic, stream)
  }

  /** A repair has ended; true when the topic still has a gap and needs another. */
  endRepair(topic: string): boolean {
    const stream = this.#streams.get(topic)
    if (stream === undefined) return false
    const gapped = stream.held !== undefined || stream.mustFetch
    stream.repairing = gapped
    return gapped
  }

  #hold(stream: Stream, delivery: Delivery): void {
    stream.held ??= new Map()
    if (stream.held.size < MAX_HELD) stream.held.set(versionBefore(delivery), delivery)
    else stream.mustFetch = true
  }

  #startRepair(topic: string, stream: Stream): void {
    if (stream.repairing) return
    stream.repairing = true
    this.#repairLater(topic)
  }

  #deliverNext(stream: Stream, delivery: Delivery): void {
    stream.position = delivery.version
    stream.held?.delete(versionBefore(delivery))
    this.#deliver(delivery)
  }

  #deliverHeld(topic: string, stream: Stream): void {
    if (stream.held === undefined || stream.position === undefined) return
    for (let next = nextOf(stream.held, stream.position); next !== undefined;) {
      this.#deliverNext(stream, next)
      next = nextOf(stream.held, stream.position)
    }
    if (stream.held.size === 0) stream.held = undefined
    else this.#startRepair(topic, stream)
  }
}

const versionBefore = ({ version, afterVersion = version - 1 }: Delivery): number => afterVersion

const isNext = (delivery: Delivery, position: number): boolean =>
  versionBefore(delivery) <= position && position < delivery.version

/** The held change that is next; what is older is dropped. A repair may have ended within what one change stands for. */
function nextOf(held: Map<number, Delivery>, position: number): Delivery | undefined {
  const following = held.get(position)
  if (following !== undefined) return following
  for (const [before, delivery] of held) {
    if (delivery.version <= position) held.delete(before)
    else if (before < position) return delivery
  }
  return undefined
}
