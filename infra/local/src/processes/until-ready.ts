import { setTimeout as delay } from 'node:timers/promises'
import { StartProblem } from '../start-problem.ts'
import type { LocalProcess } from './local-process.ts'

const POLL_MS = 10

/** Asks until the first answer and resolves with it. Rejects when the process ends first, or at the time-out. */
export async function untilReady<Answer>(
  process: LocalProcess,
  ask: () => Promise<Answer>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    signal?.throwIfAborted()
    const answer = await attempt(ask)
    // Asked of a process that is gone, the answer would be another's on the same port.
    if (process.hasEnded) {
      throw new StartProblem(
        `${process.name} ended with ${await process.ended} before it was ready.\n${process.lastLines()}`,
      )
    }
    if ('value' in answer) return answer.value
    if (performance.now() > deadline) {
      const seconds = Math.round(timeoutMs / 1_000)
      throw new StartProblem(
        `${process.name} was not ready within ${seconds} s: ${answer.reason}\n${process.lastLines()}`,
      )
    }
    await delay(POLL_MS)
  }
}

async function attempt<Answer>(ask: () => Promise<Answer>): Promise<{ value: Answer } | { reason: string }> {
  try {
    return { value: await ask() }
  } catch (error) {
    return { reason: error instanceof Error && error.message !== '' ? error.message : String(error) }
  }
}
