import { Agenda } from '../agenda.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { TOLD_EVERY_MS, TYPING_MS } from './typing-times.ts'

/** Typists beyond so many are not told: nobody is harmed by that. */
const MOST = 50_000

/** A user who types in a conversation, or has just stopped. */
export interface Typist {
  readonly userId: string
  readonly conversationId: string
  isTyping: boolean
  /** It is not told before. */
  mayTellAtMs: number
  /** The user's connections that said so. */
  readonly connections: Set<Pick<ChatConnection, 'id'>>
}

/** Who of this gateway's users types where, and what of it is to be told. Nothing is kept of those who do not type. */
export class OwnTypists implements Disposable {
  readonly #tell: (typist: Typist) => void
  /** By user and conversation. */
  readonly #typists = new Map<string, Typist>()
  readonly #agenda = new Agenda<Typist>((typist) => this.#forget(typist))
  /** Where a connection types. */
  readonly #typingOn = new Map<Pick<ChatConnection, 'id'>, Set<Typist>>()
  #acceptedCount = 0
  #throttledCount = 0

  constructor(tell: (typist: Typist) => void) {
    this.#tell = tell
  }

  get accepted(): number {
    return this.#acceptedCount
  }

  get throttled(): number {
    return this.#throttledCount
  }

  /** Without a connection, it lasts until it is over. */
  start(userId: string, conversationId: string, connection: Pick<ChatConnection, 'id'> | undefined): void {
    const key = keyOf(userId, conversationId)
    const now = performance.now()
    const typist: Typist = this.#typists.get(key) ?? {
      userId,
      conversationId,
      isTyping: false,
      mayTellAtMs: 0,
      connections: new Set(),
    }
    if (now < typist.mayTellAtMs || this.#typists.size >= MOST) {
      this.#throttledCount++
      if (typist.isTyping) this.#attach(typist, connection)
      return
    }
    this.#acceptedCount++
    this.#typists.set(key, typist)
    typist.isTyping = true
    typist.mayTellAtMs = now + TOLD_EVERY_MS
    this.#attach(typist, connection)
    this.#agenda.schedule(typist, TYPING_MS)
    this.#tell(typist)
  }

  /** Answers whether the user was typing there. */
  stop(userId: string, conversationId: string): boolean {
    const typist = this.#typists.get(keyOf(userId, conversationId))
    if (typist === undefined || !typist.isTyping) return false
    typist.isTyping = false
    this.#detachAll(typist)
    this.#agenda.schedule(typist, Math.max(0, typist.mayTellAtMs - performance.now()))
    this.#tell(typist)
    return true
  }

  /** Ends what no other connection of the user here has said too. */
  endConnection(connection: Pick<ChatConnection, 'id'>): void {
    for (const typist of this.#typingOn.get(connection) ?? []) {
      typist.connections.delete(connection)
      if (typist.connections.size === 0) this.stop(typist.userId, typist.conversationId)
    }
    this.#typingOn.delete(connection)
  }

  [Symbol.dispose](): void {
    this.#agenda[Symbol.dispose]()
    this.#typists.clear()
    this.#typingOn.clear()
  }

  #attach(typist: Typist, connection: Pick<ChatConnection, 'id'> | undefined): void {
    if (connection === undefined) return
    typist.connections.add(connection)
    const typing = this.#typingOn.get(connection)
    if (typing === undefined) this.#typingOn.set(connection, new Set([typist]))
    else typing.add(typist)
  }

  #detachAll(typist: Typist): void {
    for (const connection of typist.connections) {
      const typing = this.#typingOn.get(connection)
      typing?.delete(typist)
      if (typing?.size === 0) this.#typingOn.delete(connection)
    }
    typist.connections.clear()
  }

  #forget(typist: Typist): void {
    this.#detachAll(typist)
    this.#typists.delete(keyOf(typist.userId, typist.conversationId))
  }
}

const keyOf = (userId: string, conversationId: string) => `${userId} ${conversationId}`
