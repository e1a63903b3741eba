import type { Socket } from 'node:net'
import type { Logger } from '@parley/runtime'
import { askClamd, hungUpOnWriting } from './ask-clamd.ts'
import type { Scanner } from './scanner.ts'
import { lengthOf, sendStream } from './send-stream.ts'

const PING_TIMEOUT_MS = 3_000
const CLEAN = 'stream: OK'
const TOO_LARGE = 'INSTREAM size limit exceeded. ERROR'
/** Named like malware, but what it says is that ClamAV did not look at all of it (`AlertExceedsMax`). */
const NOT_SCANNED_WHOLE = 'Heuristics.Limits.Exceeded'

/**
 * Scans by clamd's `INSTREAM`, with a connection for each file. The libraries that do this read clamd's answer only when all was
 * written, and so lose the one that says that a file is too large, after which clamd hangs up.
 */
export function openScanner(options: { url: string; timeoutMs: number; log: Logger }): Scanner {
  const { timeoutMs, log } = options
  const url = new URL(options.url)
  const closing = new AbortController()

  async function answerTo(content: AsyncIterable<Uint8Array>, stop: AbortSignal): Promise<string> {
    const progress = { announcedBytes: 0, isAll: false }
    try {
      const said = await askClamd(url, stop, (clamd, answer) => sendStream(clamd, content, answer, progress))
      if (said === CLEAN && !progress.isAll) throw new Error('clamd called content clean that it had only a part of')
      return said
    } catch (error) {
      if (!hungUpOnWriting(error) || !(await refusesFor(progress.announcedBytes, stop))) throw error
      return TOO_LARGE
    }
  }

  /**
   * Its answer can be lost when it hangs up on who still writes. Announced again, and without content this time, what is too much
   * is refused for everybody to hear.
   */
  async function refusesFor(bytes: number, stop: AbortSignal): Promise<boolean> {
    const announce = async (clamd: Socket) => {
      clamd.write('zINSTREAM\0')
      clamd.end(lengthOf(bytes))
    }
    return askClamd(url, stop, announce).then(
      (answer) => answer === TOO_LARGE,
      () => false,
    )
  }

  return {
    async scan(content, signal) {
      const answer = await answerTo(content, AbortSignal.any([signal, closing.signal, AbortSignal.timeout(timeoutMs)]))
      if (answer === CLEAN) return 'clean'
      const signature = /^stream: (.+) FOUND$/.exec(answer)?.[1]
      if (answer === TOO_LARGE || signature?.startsWith(NOT_SCANNED_WHOLE)) {
        log.warn({ answer }, 'an upload is more than clamd scans: its limits should allow the largest file')
        return 'too_large_to_scan'
      }
      if (signature === undefined) throw unexpected(answer)
      log.warn({ signature }, 'malware found in an upload')
      return 'infected'
    },
    async check() {
      const stop = AbortSignal.any([closing.signal, AbortSignal.timeout(PING_TIMEOUT_MS)])
      const answer = await askClamd(url, stop, async (clamd) => void clamd.write('zPING\0'))
      if (answer !== 'PONG') throw unexpected(answer)
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the scanner was closed'))
    },
  }
}

const unexpected = (answer: string): Error => new Error(`clamd answered: ${answer.slice(0, 200)}`)
