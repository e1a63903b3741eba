import { fork, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Given, Said } from './inspect-in-child.ts'
import type { Inspection } from './inspector.ts'

/** A process has ended because of the file it looked at. */
export class ProcessDied extends Error {
  override readonly name = 'ProcessDied'
  readonly outOf: 'time' | 'memory' | undefined

  constructor(outOf: 'time' | 'memory' | undefined, how?: string) {
    super(outOf === undefined ? `the process died (${how})` : `the process ran out of ${outOf}`)
    this.outOf = outOf
  }
}

const MEGABYTE = 1024 * 1024
/** Of JavaScript: files are read in small parts, or stand in buffers outside of it. */
const HEAP_MB = 256
/** How often it is looked at what a busy process takes. */
const MEASURE_EVERY_MS = 50
/** V8 ends like this when its heap is full, and the system when there is no memory left at all. */
const ENDS_WITHOUT_MEMORY: ReadonlySet<string | null> = new Set(['SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGKILL'])
/** It may read, use libvips and follow links; it may not write or start other programs. */
const MAY = ['--permission', '--allow-fs-read=*', '--allow-addons', '--allow-net']

/** A process that looks at one file at a time, and sees nothing of the environment of its parent but whom to trust. */
export class InspectionProcess {
  /** It can take a file. Rejects when it cannot even start. */
  readonly ready: Promise<void>
  /** It is gone. */
  readonly ended: Promise<void>
  /** False once it has ended or is about to. */
  isUsable = true
  readonly #child: ChildProcess
  readonly #memoryBytes: number
  readonly #ready = Promise.withResolvers<void>()
  #answer: PromiseWithResolvers<Inspection> | undefined

  constructor(memoryMb: number, extraCaCerts: string | undefined) {
    this.#memoryBytes = memoryMb * MEGABYTE
    this.#child = fork(fileURLToPath(new URL('inspect-in-child.ts', import.meta.url)), {
      execArgv: [`--max-old-space-size=${Math.min(memoryMb, HEAP_MB)}`, ...MAY],
      env: extraCaCerts === undefined ? {} : { NODE_EXTRA_CA_CERTS: extraCaCerts },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    this.ready = this.#ready.promise
    // Nobody may be waiting for it.
    this.ready.catch(() => undefined)
    const ended = Promise.withResolvers<void>()
    this.ended = ended.promise
    this.#child.on('message', (said: Said) => this.#hear(said))
    this.#child.on('error', (error) => {
      this.end(error)
      if (this.#child.pid === undefined) ended.resolve()
    })
    this.#child.on('exit', (code, signal) => {
      this.#fail(new ProcessDied(ENDS_WITHOUT_MEMORY.has(signal) ? 'memory' : undefined, signal ?? `exit code ${code}`))
      ended.resolve()
    })
  }

  /** Rejects with `ProcessDied`, with the reason of the signal, which ends the process, or when the link fails. */
  async inspect(given: Given, signal: AbortSignal): Promise<Inspection> {
    signal.throwIfAborted()
    const answer = Promise.withResolvers<Inspection>()
    this.#answer = answer
    const abort = () => this.end(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    const measuring = new AbortController()
    const measured = this.#measure(measuring.signal)
    try {
      this.#child.send(given)
      return await answer.promise
    } finally {
      signal.removeEventListener('abort', abort)
      this.#answer = undefined
      measuring.abort()
      await measured
    }
  }

  /** Ends it whatever it is at. */
  end(reason: unknown): void {
    this.#fail(reason)
    this.#child.kill('SIGKILL')
  }

  #hear(said: Said): void {
    if (said === 'ready') this.#ready.resolve()
    else if ('inspection' in said) this.#answer?.resolve(said.inspection)
    else this.#answer?.reject(new Error(said.linkFailed))
  }

  #fail(reason: unknown): void {
    this.isUsable = false
    this.#ready.reject(reason)
    this.#answer?.reject(reason)
  }

  /** One that has grown large for a file is ended when it is done: allocators do not give everything back. */
  async #measure(signal: AbortSignal): Promise<void> {
    let bytes = 0
    while (!signal.aborted && this.isUsable) {
      bytes = await residentBytes(this.#child.pid)
      if (bytes > this.#memoryBytes) this.end(new ProcessDied('memory'))
      await delay(MEASURE_EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
    bytes = await residentBytes(this.#child.pid)
    if (bytes > this.#memoryBytes / 2 && this.isUsable) this.end(new Error('it has grown too large'))
  }
}

/** Of Linux alone: elsewhere only the heap of V8 has a limit. */
async function residentBytes(pid: number | undefined): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
