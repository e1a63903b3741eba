import { setTimeout as delay } from 'node:timers/promises'

const MOST_FAILURES = 12
const FIRST_PAUSE_MS = 100
const SILENCE_MS = 20_000

/** A file that is gone, or not to be had by its link. */
export class FileGone extends Error {
  override readonly name = 'FileGone'
}

/**
 * The bytes behind a link, however often the connection breaks: it goes on where it was. Rejects with `FileGone` before the first
 * byte when there is no such file, and when it breaks too often in a row.
 */
export async function* readSteadily(url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let offset = 0
  let bytes = Infinity
  for (let failures = 0; offset < bytes;) {
    try {
      const answer = await fetch(url, {
        headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(SILENCE_MS)]),
      })
      if (answer.status === 404 || answer.status === 403) throw new FileGone(`answered ${answer.status}`)
      if (answer.status !== (offset === 0 ? 200 : 206)) throw new Error(`answered ${answer.status}`)
      if (offset === 0) bytes = Number(answer.headers.get('content-length') ?? Infinity)
      for await (const chunk of answer.body ?? []) {
        offset += chunk.byteLength
        failures = 0
        yield chunk
      }
      if (bytes === Infinity) return
      if (offset < bytes) throw new Error('ended early')
    } catch (error) {
      signal.throwIfAborted()
      failures += 1
      if (error instanceof FileGone || failures > MOST_FAILURES) throw error
      await delay(FIRST_PAUSE_MS * failures, undefined, { signal })
    }
  }
}
