/** What Redis has answered to `TIME`, in ms. */
export function timeMs(answer: unknown): number {
  const [seconds, microseconds] = answer as [string, string]
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
}
