interface Typing {
  isTyping: boolean
  /** Whether the others were told since it began. */
  isTold: boolean
  toldAtMs: number
  /** It is told again, or when nobody types any more, forgotten. */
  next: ReturnType<typeof setTimeout> | undefined
  /** The user has done nothing for a while. */
  idle: ReturnType<typeof setTimeout> | undefined
}

interface Parts {
  tell(kind: 'StartTyping' | 'StopTyping', conversationId: string): Promise<unknown>
  /** Whether there is a connection, and the conversation tells who types. */
  isOffered(conversationId: string): boolean
}

/** The server hears it once in 3 s; so much more is for what the network does with it. */
const APART_MS = 3_200
const IDLE_MS = 5_000

/** Tells that the user types, again and again while it goes on, and once that it is over. What does not come through is nothing. */
export class OwnTyping {
  readonly #parts: Parts
  /** By conversation: those where the user types, or has just done so. */
  readonly #typing = new Map<string, Typing>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** To be called with all that the user types. */
  start(conversationId: string): void {
    const typing = this.#typing.get(conversationId) ?? newTyping()
    this.#typing.set(conversationId, typing)
    clearTimeout(typing.idle)
    typing.idle = setTimeout(() => this.stop(conversationId), IDLE_MS)
    if (typing.isTyping) return
    typing.isTyping = true
    const waitMs = typing.toldAtMs + APART_MS - performance.now()
    clearTimeout(typing.next)
    if (waitMs <= 0) this.#tell(conversationId, typing)
    else typing.next = setTimeout(() => this.#tell(conversationId, typing), waitMs)
  }

  stop(conversationId: string): void {
    if (this.#end(conversationId)) this.#say('StopTyping', conversationId)
  }

  /** The message itself tells the others that it is over. */
  said(conversationId: string): void {
    this.#end(conversationId)
  }

  close(): void {
    for (const { next, idle } of this.#typing.values()) {
      clearTimeout(next)
      clearTimeout(idle)
    }
    this.#typing.clear()
  }

  #tell(conversationId: string, typing: Typing): void {
    typing.next = setTimeout(() => this.#tell(conversationId, typing), APART_MS)
    if (!this.#parts.isOffered(conversationId)) return
    typing.toldAtMs = performance.now()
    typing.isTold = true
    this.#say('StartTyping', conversationId)
  }

  /** Answers whether the others are to be told. */
  #end(conversationId: string): boolean {
    const typing = this.#typing.get(conversationId)
    if (typing === undefined || !typing.isTyping) return false
    const { isTold } = typing
    clearTimeout(typing.next)
    clearTimeout(typing.idle)
    typing.isTyping = false
    typing.isTold = false
    const restMs = typing.toldAtMs + APART_MS - performance.now()
    typing.next = setTimeout(() => this.#typing.delete(conversationId), Math.max(0, restMs))
    return isTold
  }

  #say(kind: 'StartTyping' | 'StopTyping', conversationId: string): void {
    if (!this.#parts.isOffered(conversationId)) return
    // Refused or lost: others do not see it, or until it expires. Nobody would do anything about it.
    this.#parts.tell(kind, conversationId).catch(() => undefined)
  }
}

const newTyping = (): Typing => ({
  isTyping: false,
  isTold: false,
  toldAtMs: -Infinity,
  next: undefined,
  idle: undefined,
})
