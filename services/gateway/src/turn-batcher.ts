/** Gathers what is asked in the same turn of the event loop and asks it together. */
export interface TurnBatcher<Item, Result> {
  ask(item: Item): Promise<Result>
}

/**
 * A request between services costs about as much for one item as for a hundred. `askAll` answers in the order of its items;
 * when it throws, each of them is told. `sizeOf` and `maxSize` bound one batch.
 */
export function batchByTurn<Item, Result>(options: {
  maxSize: number
  sizeOf: (item: Item) => number
  askAll: (items: readonly Item[]) => Promise<readonly Result[]>
}): TurnBatcher<Item, Result> {
  interface Waiting {
    readonly item: Item
    readonly resolve: (result: Result) => void
    readonly reject: (error: unknown) => void
  }
  let waiting: Waiting[] = []
  let size = 0

  function leave(): void {
    const batch = waiting
    waiting = []
    size = 0
    if (batch.length > 0) void settle(batch)
  }

  async function settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await options.askAll(batch.map(({ item }) => item))
      batch.forEach(({ resolve }, index) => resolve(results[index] as Result))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return {
    ask(item) {
      const itemSize = options.sizeOf(item)
      if (size + itemSize > options.maxSize) leave()
      const { promise, resolve, reject } = Promise.withResolvers<Result>()
      if (waiting.length === 0) setImmediate(leave)
      waiting.push({ item, resolve, reject })
      size += itemSize
      return promise
    },
  }
}
