import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { chanceOf } from './corpus.ts'
import { fuzzClients } from './clients.ts'
import type { TargetReport } from './target.ts'

export interface FuzzResult {
  readonly clients: number
  /** Taken when the target was warm, and when the last client was gone. */
  readonly before: TargetReport
  readonly after: TargetReport
}

const AT_ONCE = 24
const SETTLING_MS = 15_000

/**
 * Lets misbehaving clients loose on a hub in a process of its own, for so long. Rejects if the process ends, if it does
 * not answer any more, or if connections or sockets are left when all clients have gone.
 */
export async function fuzz(options: { seconds: number; warmUpSeconds: number; seed: number }): Promise<FuzzResult> {
  const target = fork(new URL('target.ts', import.meta.url), { execArgv: ['--expose-gc'] })
  const died = Promise.withResolvers<never>()
  target.on('exit', (code, signal) => died.reject(new Error(`the target ended: ${code ?? signal}`)))
  died.promise.catch(() => {})
  const told = async <T>(): Promise<T> => (await Promise.race([once(target, 'message'), died.promise]))[0] as T
  const report = async (): Promise<TargetReport> => {
    const answer = told<TargetReport>()
    target.send('report')
    return answer
  }

  const { port } = await told<{ port: number }>()
  let clients = 0
  async function storm(seconds: number): Promise<void> {
    const endsAt = performance.now() + seconds * 1_000
    const run = async () => {
      while (performance.now() < endsAt && target.exitCode === null) {
        const chance = chanceOf(options.seed + clients++)
        await chance
          .pick(fuzzClients)(port, chance)
          .catch(() => {})
      }
    }
    await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, run)), died.promise])
  }
  async function settled(): Promise<TargetReport> {
    const endsAt = performance.now() + SETTLING_MS
    for (;;) {
      const now = await report()
      if (now.connections === 0 && now.sockets <= AT_ONCE) return now
      if (performance.now() > endsAt) throw new Error(`left behind: ${JSON.stringify(now)}`)
      await delay(200)
    }
  }

  try {
    await storm(options.warmUpSeconds)
    const before = await settled()
    await storm(options.seconds)
    return { clients, before, after: await settled() }
  } finally {
    target.removeAllListeners('exit')
    target.kill('SIGKILL')
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '600' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  })
  const options = { seconds: Number(values.seconds), warmUpSeconds: 20, seed: Number(values.seed) }
  process.stdout.write(`fuzzing for ${options.seconds} s with seed ${options.seed}\n`)
  process.stdout.write(`${JSON.stringify(await fuzz(options), null, 2)}\n`)
}
