import { readFileSync } from 'node:fs'
import { identityOf } from '../processes/process-identity.ts'
import type { Environment } from './settings.ts'

const WATCH_MS = 500

/**
 * Aborted, with what asked for it, when everything is to stop: Ctrl-C, SIGTERM, or the terminal went away. All of them may
 * come several times. The end of the npm that started us counts too, since npm does not pass its own SIGTERM on.
 */
export function stopRequest(environment: Environment): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort(signal))
  // A terminal that went away must not end us, by a failed write, before we have stopped what we started.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {})
  const npmHasEnded = watchNpm(environment)
  setInterval(() => npmHasEnded() && controller.abort('npm has ended'), WATCH_MS).unref()
  return controller.signal
}

/** npm runs scripts in a shell that outlives it: each of the processes between npm and us has to be looked at. */
function watchNpm(environment: Environment): () => boolean {
  if (environment['npm_lifecycle_event'] === undefined || process.platform !== 'linux') return () => false
  const ancestors: { pid: number; identity: string | null }[] = []
  for (let pid = process.ppid; pid > 1; pid = parentOf(pid)) {
    ancestors.push({ pid, identity: identityOf(pid) })
    if (!wasStartedByNpm(pid)) break // This one is npm itself.
  }
  return () => ancestors.some(({ pid, identity }) => identityOf(pid) !== identity)
}

function wasStartedByNpm(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes('npm_lifecycle_event=')
  } catch {
    return false
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
