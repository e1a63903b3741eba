import type { Logger } from '@parley/runtime'
import { InspectionProcess, ProcessDied } from './inspection-process.ts'
import type { Inspected, Inspection, Inspector } from './inspector.ts'

export interface InspectorOptions {
  /** How many files at a time: each in a process of its own. */
  readonly atOnce: number
  /** For one file, from when a process begins with it. */
  readonly timeoutMs: number
  /**
   * For one file: all that its process takes, libvips included. That is 100 MB for itself and 12 to 30 bytes for each pixel of an
   * image, up to 45 for AVIF. Only Linux tells how much it is: elsewhere `maxPixels` is what bounds it.
   */
  readonly memoryMb: number
  /** Of one image, all its frames together. */
  readonly maxPixels: number
  /** `NODE_EXTRA_CA_CERTS`, where the server of the links has an authority of its own. */
  readonly extraCaCerts?: string | undefined
  readonly log: Logger
}

/**
 * Processes rather than threads: V8 ends the whole process when the heap of one of its threads overflows at the wrong moment, an
 * error in a native library does the same, and neither a thread nor what it does in libvips can be stopped at once.
 *
 * They are started when there is something to do. One that ends because of a file is replaced for the next file, once it is
 * really gone, so that there are never more of them.
 *
 * A file that a process died of is `too_much_to_check` when it took too much time or memory, and `not_readable` otherwise: it
 * would kill the next one as well, and nobody should be handed a file that does such things to programs.
 */
export function openInspector(options: InspectorOptions): Inspector {
  const { atOnce, timeoutMs, memoryMb, maxPixels, extraCaCerts, log } = options
  const processes = new Set<InspectionProcess>()
  const idle: InspectionProcess[] = []
  const waiting = new Set<() => void>()
  const disposing = new AbortController()

  async function takeProcess(signal: AbortSignal): Promise<InspectionProcess> {
    for (;;) {
      signal.throwIfAborted()
      const child = idle.pop()
      if (child?.isUsable === true) return child
      if (processes.size < atOnce) return start()
      await turn(signal)
    }
  }

  function start(): InspectionProcess {
    const child = new InspectionProcess(memoryMb, extraCaCerts)
    processes.add(child)
    void child.ended.then(() => {
      processes.delete(child)
      wakeNext()
    })
    return child
  }

  function giveBack(child: InspectionProcess): void {
    if (!child.isUsable) return
    idle.push(child)
    wakeNext()
  }

  async function turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const giveUp = () => reject(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    waiting.add(resolve)
    try {
      await promise
    } finally {
      waiting.delete(resolve)
      signal.removeEventListener('abort', giveUp)
    }
  }

  function wakeNext(): void {
    const [wake] = waiting
    if (wake === undefined) return
    waiting.delete(wake)
    wake()
  }

  async function lookAt(child: InspectionProcess, file: Inspected, signal: AbortSignal): Promise<Inspection> {
    const limit = new AbortController()
    const timer = setTimeout(() => limit.abort(new ProcessDied('time')), timeoutMs)
    try {
      return await child.inspect({ file, limits: { maxPixels, timeoutMs } }, AbortSignal.any([signal, limit.signal]))
    } catch (error) {
      if (!(error instanceof ProcessDied)) throw error
      log.warn({ error, type: file.type, size: file.size }, 'a file ended the process that looked at it')
      return { verdict: error.outOf === undefined ? 'not_readable' : 'too_much_to_check' }
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    atOnce,
    async inspect(file, signal) {
      const stop = AbortSignal.any([signal, disposing.signal])
      stop.throwIfAborted()
      const child = await takeProcess(stop)
      try {
        await child.ready
        return await lookAt(child, file, stop)
      } finally {
        giveBack(child)
      }
    },
    async [Symbol.asyncDispose]() {
      const reason = new Error('the inspector is being disposed')
      disposing.abort(reason)
      for (const child of processes) child.end(reason)
      await Promise.all([...processes].map((child) => child.ended))
    },
  }
}
