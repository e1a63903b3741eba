/** Waits so long, or until the signal is given. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>()
  if (signal.aborted) return Promise.resolve()
  const end = () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    over.resolve()
  }
  const timer = setTimeout(end, ms)
  signal.addEventListener('abort', end)
  return over.promise
}
