/** Works on the items in order, so many at a time. */
export async function sideBySide<Item>(
  items: Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  const left = Iterator.from(items)
  const worker = async () => {
    for (let next = left.next(); !next.done; next = left.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

export function* numbers(from: number, to: number, step = 1): Generator<number> {
  for (let number = from; number < to; number += step) yield number
}
