/** Tells people, line by line, what happens. */
export interface Progress {
  /** Shows that the work is being done, then that it is done and how long it took. */
  step<Result>(doing: string, work: () => Promise<Result>, done?: (result: Result) => string): Promise<Result>
  say(line: string): void
}

interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
}

const CLEAR_LINE = '\r\u001B[K'

/** On a terminal the last line says what is going on at the moment; anywhere else there are plain lines only. */
export function showProgress(output: Output): Progress {
  const running = new Set<string>()

  function print(line: string): void {
    if (output.isTTY !== true) return void output.write(`${line}\n`)
    output.write(`${CLEAR_LINE}${line}\n`)
    showRunning()
  }

  function showRunning(): void {
    if (output.isTTY === true) output.write(CLEAR_LINE + (running.size === 0 ? '' : `  … ${[...running].join(', ')}`))
  }

  return {
    say: print,
    async step(doing, work, done = () => doing) {
      const startedAt = performance.now()
      const end = (mark: string, what: string) => {
        running.delete(doing)
        print(`  ${mark} ${what} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`)
      }
      running.add(doing)
      showRunning()
      try {
        const result = await work()
        end('✓', done(result))
        return result
      } catch (error) {
        end('✗', doing)
        throw error
      }
    },
  }
}
