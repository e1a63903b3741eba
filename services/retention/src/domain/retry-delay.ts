const LONGEST_MS = 15 * 60_000

/** How long to wait after so many runs in a row that did not do their work: twice as long each time, up to a quarter of an hour. */
export function retryDelayMs(failures: number, firstMs: number): number {
  return Math.min(firstMs * 2 ** (failures - 1), LONGEST_MS)
}
