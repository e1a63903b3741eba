import { isDefinite } from './is-definite.ts'

type Kind = 'MarkDelivered' | 'MarkRead'

interface Mark {
  readonly kind: Kind
  readonly conversationId: string
  readonly sequence: number
  /** When it was last told, and when the server has said that it heard it; it keeps it a little later. */
  toldAtMs: number
  heardAtMs: number
}

interface Parts {
  tell(kind: Kind, mark: { conversationId: string; sequence: number }): Promise<unknown>
  isOpen(): boolean
}

const APART_MS = 1_000
/** What the server has heard so long ago it has kept. */
const KEPT_AFTER_MS = 120_000

/** The user's own marks. Each is told at most once a second for a conversation, and again after each new connection until it is surely kept. */
export class Marks {
  readonly #parts: Parts
  readonly #last = new Map<string, Mark>()
  /** Those that wait for their second to be over. */
  readonly #waiting = new Set<Mark>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  made(kind: Kind, conversationId: string, sequence: number): void {
    const key = `${kind} ${conversationId}`
    const last = this.#last.get(key)
    if (last !== undefined && last.sequence >= sequence) return
    const mark: Mark = { kind, conversationId, sequence, toldAtMs: last?.toldAtMs ?? -Infinity, heardAtMs: Infinity }
    this.#last.set(key, mark)
    if (last !== undefined) this.#waiting.delete(last)
    if (performance.now() - mark.toldAtMs >= APART_MS) this.#tell(mark)
    else this.#wait(mark)
  }

  /** After a new connection: what the server may have heard and lost, or never heard. */
  repeat(): void {
    for (const [key, mark] of this.#last) {
      if (performance.now() - mark.heardAtMs > KEPT_AFTER_MS) this.#last.delete(key)
      else this.#tell(mark)
    }
  }

  /** Forgets those of a conversation, and answers with them. */
  take(conversationId: string): { readonly kind: Kind; readonly sequence: number }[] {
    const taken = [...this.#last].filter(([, mark]) => mark.conversationId === conversationId)
    for (const [key, mark] of taken) {
      this.#last.delete(key)
      this.#waiting.delete(mark)
    }
    return taken.map(([, mark]) => mark)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#waiting.clear()
    this.#last.clear()
  }

  #tell(mark: Mark): void {
    if (!this.#parts.isOpen()) return
    const { kind, conversationId, sequence } = mark
    mark.toldAtMs = performance.now()
    this.#parts.tell(kind, { conversationId, sequence }).then(
      () => {
        mark.heardAtMs = performance.now()
      },
      (error: unknown) => {
        const key = `${kind} ${conversationId}`
        if (this.#last.get(key) !== mark) return
        if (isDefinite(error)) this.#last.delete(key)
        else this.#wait(mark)
      },
    )
  }

  #wait(mark: Mark): void {
    this.#waiting.add(mark)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const due = [...this.#waiting]
      this.#waiting.clear()
      for (const one of due) this.#tell(one)
    }, APART_MS)
  }
}
