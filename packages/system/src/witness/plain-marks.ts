import { setInterval } from 'node:timers'
import type { SessionRecorder } from '../history/recorder.ts'
import type { MarkKind } from '../history/recording.ts'
import { refusalOf } from '../until-answered.ts'

interface Mark {
  readonly conversationId: string
  readonly kind: MarkKind
  sequence: number
  isTold: boolean
}

const EVERY_MS = 500

/** A user's own marks, as a client without the SDK makes them: now and then, and the last ones again after each `Welcome`. */
export class PlainMarks implements Disposable {
  readonly #session: SessionRecorder
  readonly #invoke: (method: string, input: object) => Promise<unknown>
  readonly #marks = new Map<string, Mark>()
  readonly #timer: NodeJS.Timeout

  constructor(
    session: SessionRecorder,
    parts: {
      invoke: (method: string, input: object) => Promise<unknown>
      /** What is there by now. */
      last: () => Iterable<readonly [conversationId: string, sequence: number]>
    },
  ) {
    this.#session = session
    this.#invoke = parts.invoke
    this.#timer = setInterval(() => {
      for (const [conversationId, sequence] of parts.last()) this.made(conversationId, 'delivered', sequence)
      for (const mark of this.#marks.values()) if (!mark.isTold) this.#tell(mark)
    }, EVERY_MS)
  }

  made(conversationId: string, kind: MarkKind, sequence: number): void {
    const key = `${kind} ${conversationId}`
    const known = this.#marks.get(key) ?? { conversationId, kind, sequence: 0, isTold: true }
    this.#marks.set(key, known)
    if (sequence <= known.sequence) return
    known.sequence = sequence
    known.isTold = false
  }

  /** The server may have forgotten what it was told before. */
  repeat(): void {
    for (const mark of this.#marks.values()) mark.isTold = mark.sequence === 0
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #tell(mark: Mark): void {
    const { conversationId, kind, sequence } = mark
    const method = kind === 'read' ? 'MarkRead' : 'MarkDelivered'
    mark.isTold = true
    this.#session
      .mark({ conversationId, kind, sequence }, () => this.#invoke(method, { conversationId, sequence }))
      .catch((error: unknown) => {
        const isRefused = refusalOf(error) !== undefined && refusalOf(error) !== 'overloaded'
        if (!isRefused) mark.isTold = false
      })
  }
}
