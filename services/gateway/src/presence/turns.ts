/** Does what is asked for one key one after another, in the order asked. What is done for different keys does not wait. */
export class Turns<Key> {
  readonly #last = new Map<Key, Promise<unknown>>()

  async take<Value>(key: Key, work: () => Promise<Value>): Promise<Value> {
    // Whether it failed is for who asked for it.
    const before = this.#last.get(key)?.catch(() => undefined)
    const turn = before === undefined ? work() : before.then(work)
    this.#last.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key)
    }
  }
}
