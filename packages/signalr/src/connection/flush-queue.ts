/** How many sockets are written to before other work gets its turn. */
const SLICE = 512

interface Flushable {
  flush(): void
}

/**
 * Lets what a turn of the event loop produced for a socket leave in one write, at the turn's end. One for all
 * connections.
 */
export class FlushQueue {
  #waiting: Flushable[] = []

  add(outbox: Flushable): void {
    this.#waiting.push(outbox)
    if (this.#waiting.length === 1) setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    const waiting = this.#waiting
    this.#waiting = waiting.length > SLICE ? waiting.slice(SLICE) : []
    if (this.#waiting.length > 0) setImmediate(this.#flush)
    for (let index = 0; index < Math.min(SLICE, waiting.length); index++) waiting[index]!.flush()
  }
}
