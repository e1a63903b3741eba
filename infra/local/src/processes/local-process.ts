import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { once } from 'node:events'
import { removeProcessRecord, writeProcessRecord } from './process-record.ts'

/** A process of ours. Disposing asks it to stop, ends it if it does not, and waits until it is gone. */
export interface LocalProcess extends AsyncDisposable {
  readonly name: string
  readonly pid: number
  /** Resolves with how it ended (`code 1`, `SIGKILL`) when it has, whoever ended it. */
  readonly ended: Promise<string>
  readonly hasEnded: boolean
  /** The last lines it has written since this start. */
  lastLines(): string
}

export interface LocalProcessOptions {
  readonly name: string
  readonly command: string
  readonly arguments: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly directory: string
  /** What it writes is appended here. */
  readonly logFile: string
  /** Where it is noted that it runs, for a later start to find if this one is killed. */
  readonly recordDirectory: string
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  readonly stopSignal?: NodeJS.Signals
  /** It is killed when it has not stopped by then. */
  readonly stopTimeoutMs?: number
}

const STOP_TIMEOUT_MS = 10_000
const LOG_LIMIT_BYTES = 8 * 1024 * 1024
const LAST_LINES = 12

/**
 * Starts a process in a session of its own: a Ctrl-C on the terminal reaches only the launcher, which then stops things in
 * order. It writes to a file and not to a pipe, so that it can outlive a killed launcher without harm until it is found.
 */
export async function startProcess(options: LocalProcessOptions): Promise<LocalProcess> {
  const { name, recordDirectory, logFile, stopSignal = 'SIGTERM', stopTimeoutMs = STOP_TIMEOUT_MS } = options
  const log = openLog(logFile)
  const child = spawn(options.command, options.arguments, {
    cwd: options.directory,
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', ...options.environment },
    stdio: ['ignore', log.descriptor, log.descriptor],
    detached: true,
    ...options.user,
  })
  closeSync(log.descriptor)
  const pid = await pidOf(child)
  writeProcessRecord(recordDirectory, name, { pid, stopSignal, stopTimeoutMs })

  const ended = endOf(child).then((ending) => {
    removeProcessRecord(recordDirectory, name)
    return ending
  })
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  return {
    name,
    pid,
    ended,
    get hasEnded() {
      return hasEnded()
    },
    lastLines: () => lastLines(logFile, log.start),
    async [Symbol.asyncDispose]() {
      if (!hasEnded()) child.kill(stopSignal)
      const kill = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
      await ended
      clearTimeout(kill)
    },
  }
}

async function pidOf(child: ChildProcess): Promise<number> {
  if (child.pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error]
    throw error
  }
  child.on('error', () => {}) // A signal that could not be sent: the process has just ended.
  return child.pid
}

function endOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`))
  return promise
}

function openLog(path: string): { descriptor: number; start: number } {
  mkdirSync(dirname(path), { recursive: true })
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  const keep = size <= LOG_LIMIT_BYTES
  if (!keep) truncateSync(path)
  return { descriptor: openSync(path, 'a'), start: keep ? size : 0 }
}

function lastLines(path: string, start: number): string {
  const written = readFileSync(path).subarray(start).toString()
  return written.trimEnd().split('\n').slice(-LAST_LINES).join('\n')
}
