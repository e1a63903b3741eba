/** Gives things small numbers, and the numbers of things that went to things that come. */
export class Numbers<Thing> {
  readonly #numbers = new Map<Thing, number>()
  readonly #things: (Thing | undefined)[] = []
  readonly #free: number[] = []

  get size(): number {
    return this.#numbers.size
  }

  has(thing: Thing): boolean {
    return this.#numbers.has(thing)
  }

  find(thing: Thing): number | undefined {
    return this.#numbers.get(thing)
  }

  values(): IterableIterator<Thing> {
    return this.#numbers.keys()
  }

  at(number: number): Thing {
    return this.#things[number] as Thing
  }

  numberOf(thing: Thing): number {
    const known = this.#numbers.get(thing)
    if (known !== undefined) return known
    const number = this.#free.pop() ?? this.#things.length
    this.#things[number] = thing
    this.#numbers.set(thing, number)
    return number
  }

  release(number: number): void {
    this.#numbers.delete(this.at(number))
    this.#things[number] = undefined
    this.#free.push(number)
  }
}
