import type { ConversationSync, Message, Receipt } from '@parley/protocol'
import type { Shown } from '../history/recording.ts'

interface OnScreen {
  /** Every change up to this version is in. */
  version: number
  /** Every message from this sequence on is in; of older ones, those that were told of. */
  wholeFrom: number
  readonly messages: Map<string, Message>
  readonly receipts: Map<string, Receipt>
}

/** What a client without the SDK has of its conversations: it applies what it is told by the client's rule, in any order. */
export class Screen {
  readonly #conversations = new Map<string, OnScreen>()

  get conversationIds(): string[] {
    return [...this.#conversations.keys()]
  }

  /** The cursors, as `Sync` wants to know them. */
  get cursors(): { id: string; version: number }[] {
    return [...this.#conversations].map(([id, { version }]) => ({ id, version }))
  }

  messagesOf(conversationId: string): Message[] {
    const messages = this.#conversations.get(conversationId)?.messages.values() ?? []
    return [...messages].toSorted((a, b) => a.sequence - b.sequence)
  }

  receiptsOf(conversationId: string): Receipt[] {
    return [...(this.#conversations.get(conversationId)?.receipts.values() ?? [])]
  }

  /** It is added, with nothing in it but what was told early of what came after the joining. */
  open(conversationId: string, joinedSequence: number): void {
    const known = this.#open(conversationId)
    known.wholeFrom = joinedSequence + 1
    for (const { id, sequence } of known.messages.values()) if (sequence <= joinedSequence) known.messages.delete(id)
  }

  close(conversationId: string): void {
    this.#conversations.delete(conversationId)
  }

  /** A message counts if its version is above the one that is shown. */
  apply(message: Message): void {
    const { messages } = this.#open(message.conversationId)
    if ((messages.get(message.id)?.version ?? 0) < message.version) messages.set(message.id, message)
  }

  raise(conversationId: string, receipts: readonly Receipt[]): void {
    const known = this.#conversations.get(conversationId)?.receipts
    if (known === undefined) return
    for (const { userId, deliveredSequence, readSequence } of receipts) {
      const before = known.get(userId)
      known.set(userId, {
        userId,
        deliveredSequence: Math.max(deliveredSequence, before?.deliveredSequence ?? 0),
        readSequence: Math.max(readSequence, before?.readSequence ?? 0),
      })
    }
  }

  /** The cursor moves to the next version. */
  change(conversationId: string, version: number): void {
    const known = this.#conversations.get(conversationId)
    if (version === (known?.version ?? NaN) + 1) known!.version = version
  }

  /** The cursor moves to where an answer reaches. */
  synced({ conversation, messages, members, receipts, to, reload }: ConversationSync): void {
    const { id } = conversation
    const known = this.#open(id)
    if (reload && to > known.version) {
      for (const message of known.messages.values()) if (message.version <= to) known.messages.delete(message.id)
      known.wholeFrom = messages[0]?.sequence ?? conversation.lastSequence + 1
    }
    for (const message of messages) this.apply(message)
    this.raise(id, [...members, ...receipts])
    known.version = Math.max(known.version, to)
  }

  wholeFrom(conversationId: string): number {
    return this.#conversations.get(conversationId)?.wholeFrom ?? 1
  }

  /** With a page that ends where it was whole from. */
  prepend(conversationId: string, messages: readonly Message[]): void {
    for (const message of messages) this.apply(message)
    const known = this.#conversations.get(conversationId)
    if (known !== undefined) known.wholeFrom = messages[0]?.sequence ?? 1
  }

  shown(conversationId: string, fromSequence: number): Shown {
    return { conversationId, fromSequence, messages: this.messagesOf(conversationId) }
  }

  #open(conversationId: string): OnScreen {
    let known = this.#conversations.get(conversationId)
    if (known === undefined) {
      known = { version: 0, wholeFrom: 1, messages: new Map(), receipts: new Map() }
      this.#conversations.set(conversationId, known)
    }
    return known
  }
}
