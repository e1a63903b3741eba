/** Those who want to hear of something. One that throws keeps no other from hearing: its error is nobody's, and shows as such. */
export class Listeners<Heard extends unknown[]> {
  readonly #all = new Set<(...heard: Heard) => void>()

  /** The answer ends it. */
  add(listener: (...heard: Heard) => void): () => void {
    const own = (...heard: Heard) => listener(...heard)
    this.#all.add(own)
    return () => this.#all.delete(own)
  }

  tell(...heard: Heard): void {
    for (const listener of this.#all) {
      try {
        listener(...heard)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
