import type { Fate } from './s3-door.ts'
import type { RestartedProcess } from './start-process.ts'

/** Kills an instance twice around each thing that it asks: before that is done, and just when it is. */
export interface Killer {
  /** What it has asked so far. */
  readonly labels: readonly string[]
  around<Answer>(label: string, answer: () => Promise<Answer>): Promise<Answer>
  /** Of what is asked of S3. */
  fateOf(label: string): Fate
  stop(): void
}

export function killAroundEach(instance: RestartedProcess): Killer {
  const times = new Map<string, number>()
  let isOver = false

  function count(label: string): number {
    const time = (times.get(label) ?? 0) + 1
    times.set(label, time)
    return isOver ? Infinity : time
  }

  return {
    get labels() {
      return [...times.keys()]
    },
    async around(label, answer) {
      const time = count(label)
      if (time === 1) {
        instance.kill()
        throw new Error('not done')
      }
      const answered = await answer()
      if (time === 2) setImmediate(() => instance.kill())
      return answered
    },
    fateOf(label) {
      const time = count(label)
      if (time === 1) instance.kill()
      if (time === 1) return 'fail'
      return time === 2 ? () => instance.kill() : 'pass'
    },
    stop() {
      isOver = true
    },
  }
}
