/** Of lists, when the caller names none. */
export const DEFAULT_PAGE_SIZE = 50

/** Every answer is bounded: NATS carries 1 MB. */
export const MAX_PAGE_BYTES = 512 * 1024

/** As many of the first items as fit into an answer; always one, so that a reader gets on. */
export function firstThatFit<Item>(items: readonly Item[], maxBytes: number = MAX_PAGE_BYTES): Item[] {
  let bytes = 0
  const end = items.findIndex((item) => {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1
    return bytes > maxBytes
  })
  return end < 0 ? [...items] : items.slice(0, Math.max(end, 1))
}

/** A place in a list that clients hand back as they got it. */
export const writeCursor = (place: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url')

/** Undefined when it is not JSON that we wrote; what stands in it is for the caller to check. */
export function readCursor(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}
