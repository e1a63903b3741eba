import type { Readable } from 'node:stream'
import { unavailable } from './answers.ts'

/** How long S3 may be silent. The time that the reader takes for itself is not counted. */
const SILENCE_TIMEOUT_MS = 5_000

/** The content of an answer, which fails rather than end before all of it was there. It must be read at once. */
export function wholeContent(body: Readable, size: number): AsyncIterable<Uint8Array> {
  const awaitNext = () => setTimeout(() => body.destroy(new Error('it stopped sending')), SILENCE_TIMEOUT_MS)
  // Runs before the first is asked for, too: what nobody reads must not keep its connection.
  let waiting = awaitNext()

  async function* read(): AsyncGenerator<Uint8Array, void> {
    let left = size
    try {
      for await (const part of body as AsyncIterable<Uint8Array>) {
        clearTimeout(waiting)
        left -= part.length
        yield part
        waiting = awaitNext()
      }
    } catch (error) {
      throw unavailable('broke off in the middle of an object', error)
    } finally {
      clearTimeout(waiting)
    }
    if (left !== 0) throw unavailable('sent another number of bytes than it said')
  }

  return read()
}
