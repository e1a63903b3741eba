import { setTimeout as delay } from 'node:timers/promises'

const MOST_FAILURES = 12
const FIRST_PAUSE_MS = 100
/** For one answer: what has not come by then is asked for again. */
const LONGEST_ANSWER_MS = 60_000

/** A file that is gone, or not to be had by its link. */
export class FileGone extends Error {
  override readonly name = 'FileGone'
}

/**
 * The bytes behind a link, however often the connection breaks: it goes on where it was. A link that is refused is asked for anew,
 * once in a row. Rejects with `FileGone` when there is no such file, and when it breaks too often in a row.
 */
export async function* readSteadily(
  linkOf: (isRefused: boolean) => Promise<string>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let offset = 0
  let bytes = Infinity
  let isRefused = false
  for (let failures = 0; offset < bytes;) {
    try {
      const answer = await fetch(await linkOf(isRefused), {
        headers: offset === 0 ? {} : { range: `bytes=${offset}-` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(LONGEST_ANSWER_MS)]),
      })
      const { status } = answer
      if (status !== (offset === 0 ? 200 : 206)) {
        await answer.body?.cancel()
        if (status === 404 || (status === 403 && isRefused)) throw new FileGone(`answered ${status}`)
        isRefused = status === 403
        throw new Error(`answered ${status}`)
      }
      isRefused = false
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
