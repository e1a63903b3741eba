import { Backoff } from './backoff.ts'
import { pause } from './pause.ts'
import { hasGap, isWhole, type ConversationState } from './state/chat-state.ts'
import { syncAll, syncSome, type SyncParts } from './sync-round.ts'

interface Visit {
  readonly signal: AbortSignal
  readonly welcomedAt: string
}

interface Parts extends SyncParts {
  /** Everything up to this time is here. */
  readonly complete: (since: string) => void
  readonly failed: (error: unknown) => void
}

/** Members who are told of the same at once do not ask at once. */
const APART_PER_MEMBER_MS = 2
const MOST_APART_MS = 5_000
/**
 * A gap is no hole: what only others may see raises versions too, and so do memberships that large conversations do not
 * tell one by one. It is closed so that the next connection has less to ask, and rarely, for there may be many who have it.
 */
const GAP_MS = 15_000
const MOST_GAP_MS = 600_000

/** Runs `Sync` when it is needed, one request at a time. */
export class Synchronizer {
  readonly #parts: Parts
  #visit: Visit | undefined
  #wanted: 'all' | Set<string> = new Set()
  /** Whether the server has asked for it: then receipts may be missing too. */
  #isRequired = false
  /** Up to when the last round has told what became the user's. */
  #latest: string | null = null
  #isRunning = false
  #timers: { soon?: ReturnType<typeof setTimeout>; later?: ReturnType<typeof setTimeout> } = {}
  #gapMs = GAP_MS

  constructor(parts: Parts) {
    this.#parts = parts
  }

  begin(visit: Visit): void {
    this.#visit = visit
    this.#wanted = 'all'
    this.#gapMs = GAP_MS
    this.#run()
  }

  end(): void {
    this.#visit = undefined
    clearTimeout(this.#timers.soon)
    clearTimeout(this.#timers.later)
    this.#timers = {}
  }

  /** The server asks for it. A conversation that is not known can only be found by asking for all. */
  require(conversationIds: readonly string[]): void {
    const { conversations } = this.#parts.state()
    this.#isRequired = true
    const areKnown = conversationIds.length > 0 && conversationIds.every((id) => conversations.has(id))
    this.#want(areKnown ? conversationIds : 'all')
  }

  /** Of a conversation that has changed: what is missing in it is asked for after a while. */
  look(known: ConversationState): void {
    if (this.#visit === undefined) return
    if (!isWhole(known)) {
      const mostMs = Math.min(MOST_APART_MS, known.conversation.memberCount * APART_PER_MEMBER_MS)
      this.#timers.soon ??= setTimeout(() => {
        delete this.#timers.soon
        this.#wantThose((one) => !isWhole(one))
      }, Math.random() * mostMs)
    } else if (hasGap(known)) {
      this.#closeGapsLater()
    }
  }

  /** Something was told of a conversation that is not known: usually the conversation itself follows. */
  lookForUnknown(): void {
    if (this.#visit !== undefined) this.#closeGapsLater()
  }

  #closeGapsLater(): void {
    const close = () => {
      delete this.#timers.later
      this.#gapMs = Math.min(MOST_GAP_MS, this.#gapMs * 2)
      if (this.#parts.state().early.size > 0) this.#want('all')
      else this.#wantThose(hasGap)
    }
    this.#timers.later ??= setTimeout(close, (0.5 + Math.random()) * this.#gapMs)
  }

  #wantThose(isMeant: (known: ConversationState) => boolean): void {
    const ids = [...this.#parts.state().conversations].filter(([, known]) => isMeant(known)).map(([id]) => id)
    if (ids.length > 0) this.#want(ids)
    else this.#gapMs = GAP_MS
  }

  #want(conversationIds: 'all' | readonly string[]): void {
    if (conversationIds === 'all' || this.#wanted === 'all') this.#wanted = 'all'
    else for (const id of conversationIds) this.#wanted.add(id)
    this.#run()
  }

  #run(): void {
    const visit = this.#visit
    if (visit === undefined || this.#isRunning) return
    this.#isRunning = true
    void this.#work(visit).finally(() => {
      this.#isRunning = false
      // Another connection has begun meanwhile.
      if (this.#visit !== visit) this.#run()
    })
  }

  async #work({ signal, welcomedAt }: Visit): Promise<void> {
    const backoff = new Backoff()
    while (!signal.aborted && (this.#wanted === 'all' || this.#wanted.size > 0)) {
      const [wanted, isRequired] = [this.#wanted, this.#isRequired]
      this.#wanted = new Set()
      this.#isRequired = false
      try {
        await this.#round(wanted, { signal, welcomedAt, isRequired })
        backoff.forget()
      } catch (error) {
        // The connection has ended, or the server is busy: nothing is lost but time.
        this.#wanted = this.#union(wanted)
        this.#isRequired ||= isRequired
        if (!signal.aborted) this.#parts.failed(error)
        await pause(backoff.nextMs(), signal)
      }
    }
  }

  async #round(
    wanted: 'all' | ReadonlySet<string>,
    { signal, welcomedAt, isRequired }: Visit & { readonly isRequired: boolean },
  ): Promise<void> {
    const { hub, state, complete } = this.#parts
    const parts: SyncParts = {
      hub,
      state,
      answered: (asked, answer) => {
        signal.throwIfAborted()
        this.#parts.answered(asked, answer)
      },
      listed: (asked, conversations) => {
        signal.throwIfAborted()
        this.#parts.listed(asked, conversations)
      },
    }
    if (wanted === 'all') {
      this.#latest = await syncAll(parts, welcomedAt)
      complete(this.#latest)
    } else {
      const since = isRequired ? state().since : this.#latest
      this.#latest = await syncSome(
        parts,
        [...wanted].filter((id) => state().conversations.has(id)),
        since,
      )
    }
  }

  #union(wanted: 'all' | ReadonlySet<string>): 'all' | Set<string> {
    if (wanted === 'all' || this.#wanted === 'all') return 'all'
    return new Set([...wanted, ...this.#wanted])
  }
}
