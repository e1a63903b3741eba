import { Numbers } from './numbers.ts'

const NONE = -1
const INITIAL_CAPACITY = 1_024

/** What of a topic a subscription hears. */
export interface Hearing {
  /** The first version. */
  readonly from: number
  /** The first message: it hears nothing of those before, whenever they change. */
  readonly visibleFrom: number
}

/**
 * Who hears which topic: the largest thing a gateway holds. A subscription is a slot in typed arrays, 36 bytes, linked into
 * the list of its topic and the list of its connection. Topics and connections are small numbers given out here.
 */
export class SubscriptionIndex<Connection extends object> {
  readonly #topics = new Numbers<string>()
  readonly #connections = new Numbers<Connection>()

  #firstOfTopic = new Int32Array(INITIAL_CAPACITY).fill(NONE)
  #firstOfConnection = new Int32Array(INITIAL_CAPACITY).fill(NONE)

  #subscriptions = 0
  #capacity = INITIAL_CAPACITY
  #used = 0
  #firstFree = NONE
  #topicOf = new Int32Array(INITIAL_CAPACITY)
  #connectionOf = new Int32Array(INITIAL_CAPACITY)
  #nextInTopic = new Int32Array(INITIAL_CAPACITY)
  #previousInTopic = new Int32Array(INITIAL_CAPACITY)
  #nextInConnection = new Int32Array(INITIAL_CAPACITY)
  #from = new Float64Array(INITIAL_CAPACITY)
  #visibleFrom = new Float64Array(INITIAL_CAPACITY)

  get topicCount(): number {
    return this.#topics.size
  }

  get subscriptionCount(): number {
    return this.#subscriptions
  }

  hasTopic(topic: string): boolean {
    return this.#topics.has(topic)
  }

  topics(): IterableIterator<string> {
    return this.#topics.values()
  }

  /** Adds a subscription, or moves an existing one. */
  subscribe(connection: Connection, topic: string, { from, visibleFrom }: Hearing): void {
    const topicNumber = this.#topics.numberOf(topic)
    const connectionNumber = this.#connections.numberOf(connection)
    this.#firstOfTopic = withRoomFor(topicNumber, this.#firstOfTopic)
    this.#firstOfConnection = withRoomFor(connectionNumber, this.#firstOfConnection)
    let slot = this.#find(connectionNumber, topicNumber)
    if (slot === NONE) {
      slot = this.#takeSlot()
      this.#topicOf[slot] = topicNumber
      this.#connectionOf[slot] = connectionNumber
      const next = this.#firstOfTopic[topicNumber]!
      this.#nextInTopic[slot] = next
      this.#previousInTopic[slot] = NONE
      if (next !== NONE) this.#previousInTopic[next] = slot
      this.#firstOfTopic[topicNumber] = slot
      this.#nextInConnection[slot] = this.#firstOfConnection[connectionNumber]!
      this.#firstOfConnection[connectionNumber] = slot
      this.#subscriptions += 1
    }
    this.#from[slot] = from
    this.#visibleFrom[slot] = visibleFrom
  }

  /** The first version that a subscription hears, if there is one. */
  find(connection: Connection, topic: string): number | undefined {
    const topicNumber = this.#topics.find(topic)
    const connectionNumber = this.#connections.find(connection)
    if (topicNumber === undefined || connectionNumber === undefined) return undefined
    const slot = this.#find(connectionNumber, topicNumber)
    return slot === NONE ? undefined : this.#from[slot]!
  }

  /** Removes a subscription; true when it was the topic's last. */
  unsubscribe(connection: Connection, topic: string): boolean {
    const topicNumber = this.#topics.find(topic)
    const connectionNumber = this.#connections.find(connection)
    if (topicNumber === undefined || connectionNumber === undefined) return false
    let before = NONE
    for (let slot = this.#firstOfConnection[connectionNumber]!; slot !== NONE; slot = this.#nextInConnection[slot]!) {
      if (this.#topicOf[slot] === topicNumber) {
        const next = this.#nextInConnection[slot]!
        if (before === NONE) this.#firstOfConnection[connectionNumber] = next
        else this.#nextInConnection[before] = next
        return this.#release(slot)
      }
      before = slot
    }
    return false
  }

  /** Removes all of a connection; returns the topics that nobody hears any more. */
  removeConnection(connection: Connection): string[] {
    const connectionNumber = this.#connections.find(connection)
    if (connectionNumber === undefined) return []
    const orphaned: string[] = []
    let slot = this.#firstOfConnection[connectionNumber] ?? NONE
    while (slot !== NONE) {
      const next = this.#nextInConnection[slot]!
      const topic = this.#topics.at(this.#topicOf[slot]!)
      if (this.#release(slot)) orphaned.push(topic)
      slot = next
    }
    this.#firstOfConnection[connectionNumber] = NONE
    this.#connections.release(connectionNumber)
    return orphaned
  }

  /**
   * Calls `visit` for each connection that hears this version of the topic and, where it is about a message, that message; also
   * with the first version it hears. It may remove that connection, and no other.
   */
  forEachAt(
    { topic, version, sequence = Infinity }: { topic: string; version: number; sequence?: number | undefined },
    visit: (connection: Connection, from: number) => void,
  ): void {
    const topicNumber = this.#topics.find(topic)
    if (topicNumber === undefined) return
    let slot = this.#firstOfTopic[topicNumber]!
    while (slot !== NONE) {
      const next = this.#nextInTopic[slot]!
      const from = this.#from[slot]!
      if (from <= version && this.#visibleFrom[slot]! <= sequence) {
        visit(this.#connections.at(this.#connectionOf[slot]!), from)
      }
      slot = next
    }
  }

  /** All connections that hear the topic at any version. */
  connectionsOf(topic: string): Connection[] {
    const found: Connection[] = []
    const topicNumber = this.#topics.find(topic)
    if (topicNumber === undefined) return found
    for (let slot = this.#firstOfTopic[topicNumber]!; slot !== NONE; slot = this.#nextInTopic[slot]!) {
      found.push(this.#connections.at(this.#connectionOf[slot]!))
    }
    return found
  }

  /** All topics that a connection hears at any version. */
  topicsOf(connection: Connection): string[] {
    const found: string[] = []
    const connectionNumber = this.#connections.find(connection)
    if (connectionNumber === undefined) return found
    for (let slot = this.#firstOfConnection[connectionNumber]!; slot !== NONE; slot = this.#nextInConnection[slot]!) {
      found.push(this.#topics.at(this.#topicOf[slot]!))
    }
    return found
  }

  #find(connectionNumber: number, topicNumber: number): number {
    for (let slot = this.#firstOfConnection[connectionNumber]!; slot !== NONE; slot = this.#nextInConnection[slot]!) {
      if (this.#topicOf[slot] === topicNumber) return slot
    }
    return NONE
  }

  /** Takes a slot out of its topic's list and frees it; the caller has taken it out of its connection's. */
  #release(slot: number): boolean {
    this.#subscriptions -= 1
    const topicNumber = this.#topicOf[slot]!
    const next = this.#nextInTopic[slot]!
    const previous = this.#previousInTopic[slot]!
    if (next !== NONE) this.#previousInTopic[next] = previous
    if (previous !== NONE) this.#nextInTopic[previous] = next
    else this.#firstOfTopic[topicNumber] = next
    this.#nextInTopic[slot] = this.#firstFree
    this.#firstFree = slot
    if (this.#firstOfTopic[topicNumber] !== NONE) return false
    this.#topics.release(topicNumber)
    return true
  }

  #takeSlot(): number {
    if (this.#firstFree !== NONE) {
      const slot = this.#firstFree
      this.#firstFree = this.#nextInTopic[slot]!
      return slot
    }
    if (this.#used === this.#capacity) this.#grow()
    return this.#used++
  }

  #grow(): void {
    this.#capacity *= 2
    this.#topicOf = copied(this.#topicOf, new Int32Array(this.#capacity))
    this.#connectionOf = copied(this.#connectionOf, new Int32Array(this.#capacity))
    this.#nextInTopic = copied(this.#nextInTopic, new Int32Array(this.#capacity))
    this.#previousInTopic = copied(this.#previousInTopic, new Int32Array(this.#capacity))
    this.#nextInConnection = copied(this.#nextInConnection, new Int32Array(this.#capacity))
    this.#from = copied(this.#from, new Float64Array(this.#capacity))
    this.#visibleFrom = copied(this.#visibleFrom, new Float64Array(this.#capacity))
  }
}

function withRoomFor(index: number, heads: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  if (index < heads.length) return heads
  return copied(heads, new Int32Array(Math.max(index + 1, heads.length * 2)).fill(NONE))
}

function copied<Column extends Int32Array | Float64Array>(from: Column, to: Column): Column {
  to.set(from)
  return to
}
