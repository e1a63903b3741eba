import { once } from 'node:events'
import { StartProblem } from '../start-problem.ts'
import type { Progress } from './progress.ts'

/**
 * The whole life of `npm start`: starts, waits until everything is to stop, stops it. Resolves with the exit code; to be
 * stopped is no failure, whenever it happens.
 */
export async function runUntilStopped(
  options: { progress: Progress; signal: AbortSignal },
  start: () => Promise<AsyncDisposable>,
): Promise<number> {
  const { progress, signal } = options
  const stopping = () => progress.say(`\nStopping (${String(signal.reason)})`)
  signal.addEventListener('abort', stopping)
  try {
    await using _running = await start()
    if (!signal.aborted) await once(signal, 'abort')
  } catch (error) {
    if (!signal.aborted) {
      progress.say(`\nParley did not start.\n${describe(error)}`)
      return 1
    }
  }
  progress.say('Stopped.')
  return 0
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('\n')
  if (error instanceof StartProblem) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
