import type { Socket } from 'node:net'

/** Longer than clamd is ever busy with something else than reading. How long it scans is not counted. */
const STALL_TIMEOUT_MS = 30_000
const MOST_ANNOUNCED_BYTES = 0xff_ff_ff_ff

/**
 * Sends content as `INSTREAM`: in chunks with their length before each, and a length of nothing after all. It ends early when
 * clamd has answered, or is gone. Content that fails rejects.
 */
export async function sendStream(
  clamd: Socket,
  content: AsyncIterable<Uint8Array>,
  answer: Promise<string>,
  progress: { announcedBytes: number; isAll: boolean },
): Promise<void> {
  const chunks = content[Symbol.asyncIterator]()
  const over = answer.then(
    () => undefined,
    () => undefined,
  )
  clamd.write('zINSTREAM\0')
  for (;;) {
    const next = await Promise.race([chunks.next(), over])
    if (next === undefined || clamd.destroyed) {
      // Who reads the content may be waiting for something itself.
      void Promise.resolve(chunks.return?.()).catch(() => undefined)
      return
    }
    if (next.done === true) break
    if (next.value.length === 0) continue
    progress.announcedBytes += next.value.length
    clamd.write(lengthOf(next.value.length))
    await taken(clamd, next.value)
  }
  clamd.write(lengthOf(0))
  progress.isAll = true
}

/** How clamd is told the length of a chunk. */
export function lengthOf(bytes: number): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Math.min(bytes, MOST_ANNOUNCED_BYTES))
  return length
}

/** Resolves when the operating system has taken it: whatever waits, waits in the file. Why it failed, the answer says. */
async function taken(clamd: Socket, data: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(() => clamd.destroy(new Error('clamd takes nothing more')), STALL_TIMEOUT_MS)
  clamd.write(data, () => resolve())
  await promise
  clearTimeout(timer)
}
