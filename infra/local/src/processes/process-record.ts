import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identityOf } from './process-identity.ts'

/**
 * A note, beside a process's data, that it was started from there. Whoever finds it after the starter was killed can end
 * the process, and can be sure that it is that one and not another that has its pid by now.
 */
interface ProcessRecord {
  readonly pid: number
  readonly identity: string
  readonly stopSignal: NodeJS.Signals
  readonly stopTimeoutMs: number
}

const SUFFIX = '.process.json'
const POLL_MS = 10

/** Written at once, not in a later turn: a starter that is killed in between would leave a process nobody knows. */
export function writeProcessRecord(
  directory: string,
  name: string,
  process: { pid: number; stopSignal: NodeJS.Signals; stopTimeoutMs: number },
): void {
  const identity = identityOf(process.pid)
  if (identity === null) return
  mkdirSync(directory, { recursive: true })
  const record: ProcessRecord = { ...process, identity }
  writeFileSync(join(directory, name + SUFFIX), JSON.stringify(record))
}

export function removeProcessRecord(directory: string, name: string): void {
  rmSync(join(directory, name + SUFFIX), { force: true })
}

/** Ends the processes recorded in a directory whose starter is gone, and resolves with their names when they are gone. */
export async function stopLeftovers(directory: string): Promise<string[]> {
  const files = await readdir(directory).catch(() => [])
  const stopped = await Promise.all(
    files
      .filter((file) => file.endsWith(SUFFIX))
      .map(async (file) => ((await stopRecorded(join(directory, file))) ? [file.slice(0, -SUFFIX.length)] : [])),
  )
  return stopped.flat()
}

async function stopRecorded(path: string): Promise<boolean> {
  const record = await readRecord(path)
  const alive = record !== null && identityOf(record.pid) === record.identity
  if (alive) await stopProcess(record)
  await rm(path, { force: true })
  return alive
}

async function readRecord(path: string): Promise<ProcessRecord | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessRecord
  } catch {
    return null
  }
}

async function stopProcess({ pid, identity, stopSignal, stopTimeoutMs }: ProcessRecord): Promise<void> {
  const deadline = performance.now() + stopTimeoutMs
  signalIfThere(pid, stopSignal)
  while (identityOf(pid) === identity) {
    if (performance.now() > deadline) signalIfThere(pid, 'SIGKILL')
    await delay(POLL_MS)
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
