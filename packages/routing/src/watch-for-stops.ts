/** Knows that this process did not run for a while: it was stopped, or blocked, or its machine slept. */
export interface StopWatch extends Disposable {
  /** True from the first moment after the stop until `forget`. */
  readonly wasStopped: boolean
  forget(): void
}

export function watchForStops(longerThanMs: number): StopWatch {
  let stopped = false
  let ranAt = performance.now()

  function look(): void {
    const now = performance.now()
    if (now - ranAt >= longerThanMs) stopped = true
    ranAt = now
  }

  const timer = setInterval(look, longerThanMs / 5)
  return {
    get wasStopped() {
      // The timer may come only after what has waited meanwhile.
      look()
      return stopped
    },
    forget: () => void (stopped = false),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
