import type { EncodedMessage } from '../protocol/encoded-message.ts'
import type { Transport } from '../transport/transport.ts'
import type { Counts } from '../figures.ts'
import type { FlushQueue } from './flush-queue.ts'

/**
 * What may happen to a frame whose client is slow. Durable: nothing, in order, or the connection ends. Ephemeral: it is
 * dropped. State: it replaces the one with the same key that still waits.
 */
export type Delivery = 'durable' | 'ephemeral' | { readonly stateKey: string }

export interface OutboxOwner {
  /** The client does not take what is written as fast as it comes: from now on something waits. */
  outboxWaits(): void
}

/** What the outboxes of a server share. */
export interface OutboxHost {
  readonly flushes: FlushQueue
  readonly limits: { readonly lossyAboveBytes: number; readonly bufferedBytes: number }
  readonly counts: Pick<Counts, 'dropped' | 'replaced'>
}

interface Waiting {
  /** Undefined: written already, or replaced by a newer state. */
  message: EncodedMessage | undefined
  readonly sinceTick: number
}

/** What is handed to the transport at once. The rest stays here, where it can still be replaced. */
const WRITE_BYTES = 64 * 1024
/** Below this, whatever makes messages as fast as they are taken may make more. */
const ROOM_BYTES = WRITE_BYTES
/** How many messages that were replaced, or written, may still have a place in the queue. */
const MAX_SPENT = 256

/**
 * The messages on their way to one client, in order. Those of one turn of the loop leave in one write, at its end.
 * While the transport has not taken a write, no other is made: what comes meanwhile waits here. Holds nothing while
 * idle.
 */
export class Outbox {
  readonly #owner: OutboxOwner
  readonly #transport: Transport
  readonly #host: OutboxHost
  #queue: Waiting[] | undefined
  #next = 0
  #replaced = 0
  #queuedBytes = 0
  #stateByKey: Map<string, Waiting> | undefined
  #flushComes = false
  #writingSinceTick: number | undefined
  #room: PromiseWithResolvers<void> | undefined

  constructor(owner: OutboxOwner, transport: Transport, host: OutboxHost) {
    this.#owner = owner
    this.#transport = transport
    this.#host = host
  }

  get bufferedBytes(): number {
    return this.#queuedBytes + this.#transport.bufferedBytes
  }

  /** Since when the oldest byte waits that the operating system has not taken; undefined while nothing waits. */
  get waitingSinceTick(): number | undefined {
    return this.#writingSinceTick
  }

  get hasRoom(): boolean {
    return this.bufferedBytes < ROOM_BYTES
  }

  /** Resolves when there is room, or nothing is to be sent any more. */
  room(): Promise<void> {
    return (this.#room ??= Promise.withResolvers()).promise
  }

  /** False: too much waits already, the client is too slow. */
  add(message: EncodedMessage, delivery: Delivery, tick: number): boolean {
    const size = message.webSocketFrame.length
    if (delivery !== 'durable' && this.bufferedBytes + size > this.#host.limits.lossyAboveBytes) {
      if (delivery === 'ephemeral') {
        this.#host.counts.dropped += 1
        return true
      }
      this.#replace(this.#stateByKey?.get(delivery.stateKey))
    }
    if (this.bufferedBytes + size > this.#host.limits.bufferedBytes) {
      // What this very turn has queued is no sign of a slow client before it was offered to it.
      this.flush()
      if (this.bufferedBytes > 0 && this.bufferedBytes + size > this.#host.limits.bufferedBytes) return false
    }
    const waiting: Waiting = { message, sinceTick: tick }
    if (this.#queue === undefined) this.#queue = [waiting]
    else this.#queue.push(waiting)
    this.#queuedBytes += size
    if (typeof delivery === 'object') (this.#stateByKey ??= new Map()).set(delivery.stateKey, waiting)
    this.#requestFlush()
    return true
  }

  flush(): void {
    this.#flushComes = false
    while (this.#writingSinceTick === undefined && this.#queue !== undefined) this.#write(WRITE_BYTES)
    if (this.hasRoom) this.#tellOfRoom()
  }

  /** The transport has taken the last write. */
  drained(): void {
    this.#writingSinceTick = undefined
    this.flush()
  }

  /** Hands all that waits to the transport, and `last` behind it. */
  finish(last: EncodedMessage | undefined, tick: number): void {
    if (last !== undefined) {
      ;(this.#queue ??= []).push({ message: last, sinceTick: tick })
      this.#queuedBytes += last.webSocketFrame.length
    }
    if (this.#queue !== undefined) this.#write(Infinity)
    this.#tellOfRoom()
  }

  /** Forgets all that waits here. */
  clear(): void {
    this.#queue = undefined
    this.#stateByKey = undefined
    this.#next = 0
    this.#replaced = 0
    this.#queuedBytes = 0
  }

  #tellOfRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }

  #requestFlush(): void {
    if (this.#flushComes || this.#writingSinceTick !== undefined) return
    this.#flushComes = true
    this.#host.flushes.add(this)
  }

  #write(maxBytes: number): void {
    const queue = this.#queue!
    const batch: EncodedMessage[] = []
    let bytes = 0
    let sinceTick: number | undefined
    for (; this.#next < queue.length; this.#next++) {
      const waiting = queue[this.#next]!
      if (waiting.message === undefined) continue
      bytes += waiting.message.webSocketFrame.length
      if (bytes > maxBytes && batch.length > 0) break
      sinceTick ??= waiting.sinceTick
      batch.push(waiting.message)
      this.#queuedBytes -= waiting.message.webSocketFrame.length
      waiting.message = undefined
    }
    if (this.#next === queue.length) this.clear()
    else if (this.#next > MAX_SPENT && 2 * this.#next > queue.length) this.#closeUp()
    if (batch.length === 0 || this.#transport.write(batch)) return
    this.#writingSinceTick = sinceTick
    this.#owner.outboxWaits()
  }

  #replace(waiting: Waiting | undefined): void {
    if (waiting?.message === undefined) return
    this.#host.counts.replaced += 1
    this.#queuedBytes -= waiting.message.webSocketFrame.length
    waiting.message = undefined
    if (++this.#replaced >= MAX_SPENT) this.#closeUp()
  }

  /** Keeps only what still waits. */
  #closeUp(): void {
    this.#queue = this.#queue?.filter(({ message }) => message !== undefined)
    this.#next = 0
    this.#replaced = 0
    for (const [key, { message }] of this.#stateByKey ?? []) if (message === undefined) this.#stateByKey!.delete(key)
  }
}
