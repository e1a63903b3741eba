import { SendMessage, type InputOf, type Message, type SentMessage } from '@parley/protocol'
import { Backoff } from './backoff.ts'
import { isDefinite } from './is-definite.ts'
import { pause } from './pause.ts'
import { RefusedError } from './refused-error.ts'

/** A message that the server has not acknowledged. */
export type PendingMessage = InputOf<typeof SendMessage>

interface Waiting extends PromiseWithResolvers<SentMessage> {
  readonly message: PendingMessage
}

interface Parts {
  send(message: PendingMessage): Promise<SentMessage>
  isOpen(): boolean
  /** What is pending has changed. */
  changed(conversationId: string): void
}

/**
 * Sends each message until it is acknowledged or definitely refused, with the same id: it is stored once. Those of one
 * conversation go one after another, in the order in which they came; conversations do not wait for each other.
 */
export class Outbox {
  readonly #parts: Parts
  /** A conversation is here while something waits in it. */
  readonly #queues = new Map<string, Waiting[]>()
  readonly #sending = new Set<string>()
  readonly #closing = new AbortController()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  pending(conversationId: string): readonly PendingMessage[] {
    return this.#queues.get(conversationId)?.map(({ message }) => message) ?? []
  }

  add(message: PendingMessage): Promise<SentMessage> {
    if (this.#closing.signal.aborted) return Promise.reject(closedError())
    const checked = SendMessage.input.safeParse(message)
    // What the hub could not even take would end the connection, again and again.
    if (!checked.success) return Promise.reject(new RefusedError('invalid_input', checked.error.message))
    const waiting = { ...Promise.withResolvers<SentMessage>(), message }
    const { conversationId } = message
    this.#queues.set(conversationId, [...(this.#queues.get(conversationId) ?? []), waiting])
    this.#parts.changed(conversationId)
    void this.#drain(conversationId)
    return waiting.promise
  }

  /** The connection is open: what waits goes. */
  resume(): void {
    for (const conversationId of this.#queues.keys()) void this.#drain(conversationId)
  }

  /** One's own message was told or answered: it is acknowledged, though the reply may be lost. */
  stored(message: Message): void {
    const waiting = this.#queues.get(message.conversationId)?.find((one) => one.message.id === message.id)
    if (waiting === undefined) return
    this.#remove(waiting)
    waiting.resolve({ ...message, duplicate: false })
  }

  /** What waits is given up: it may be stored, or not. */
  close(): void {
    this.#closing.abort()
    for (const waiting of [...this.#queues.values()].flat()) {
      this.#remove(waiting)
      waiting.reject(closedError())
    }
  }

  async #drain(conversationId: string): Promise<void> {
    if (this.#sending.has(conversationId)) return
    this.#sending.add(conversationId)
    const backoff = new Backoff()
    for (let first = this.#first(conversationId); first !== undefined; first = this.#first(conversationId)) {
      if (!this.#parts.isOpen()) break
      const isSettled = await this.#attempt(first)
      if (isSettled) backoff.forget()
      else if (this.#parts.isOpen()) await pause(backoff.nextMs(), this.#closing.signal)
    }
    this.#sending.delete(conversationId)
  }

  async #attempt(waiting: Waiting): Promise<boolean> {
    try {
      const sent = await this.#parts.send(waiting.message)
      this.#remove(waiting)
      waiting.resolve(sent)
    } catch (error) {
      if (!isDefinite(error)) return this.#first(waiting.message.conversationId) !== waiting
      this.#remove(waiting)
      waiting.reject(error)
    }
    return true
  }

  #first(conversationId: string): Waiting | undefined {
    return this.#queues.get(conversationId)?.[0]
  }

  #remove(waiting: Waiting): void {
    const { conversationId } = waiting.message
    const rest = this.#queues.get(conversationId)?.filter((one) => one !== waiting) ?? []
    if (rest.length > 0) this.#queues.set(conversationId, rest)
    else this.#queues.delete(conversationId)
    this.#parts.changed(conversationId)
  }
}

const closedError = () => new Error('the chat was closed')
