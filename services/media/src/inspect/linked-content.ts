import type { Inspected } from './inspector.ts'

/** It could not be read, which says nothing about the file. */
export class LinkFailed extends Error {
  override readonly name = 'LinkFailed'
}

/** There is other content behind the link than what is to be looked at, or none any more. */
export class ContentReplaced extends Error {
  override readonly name = 'ContentReplaced'
}

/** A file that makes its readers jump about in it is not followed for ever. */
export class TooManyReads extends Error {
  override readonly name = 'TooManyReads'
}

const CHUNK_BYTES = 64 * 1024
/** Of files that are not read whole. With 64 KB each that is 24 MB of a film of any size. */
const MOST_REQUESTS = 384
const KEPT_CHUNKS = 32

/** The content behind a link: read whole, or here and there. */
export class LinkedContent {
  readonly size: number
  readonly #link: Inspected['link']
  readonly #chunks = new Map<number, Uint8Array>()
  /** The whole time that is left to wait for answers: what the file itself costs is not counted. */
  #patienceMs: number
  #whole: Uint8Array | undefined
  #requestsLeft = MOST_REQUESTS
  #failure: LinkFailed | ContentReplaced | undefined

  constructor({ link, size }: Pick<Inspected, 'link' | 'size'>, patienceMs: number) {
    this.#link = link
    this.size = size
    this.#patienceMs = patienceMs
  }

  /** Libraries that read may have swallowed it: throws what no verdict on the file can be built on. */
  assertRead(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** All of it, in one request. What is read afterwards is read from it. */
  async readWhole(): Promise<Uint8Array> {
    return (this.#whole ??= await this.#request(0, this.size))
  }

  /** Fills `target` from `position`, up to the end of the content: how many bytes that were. */
  async readInto(target: Uint8Array, position: number): Promise<number> {
    const end = Math.min(this.size, position + target.length)
    if (this.#whole !== undefined) target.set(this.#whole.subarray(position, end))
    for (let at = position; this.#whole === undefined && at < end;) {
      const chunk = await this.#chunk(Math.floor(at / CHUNK_BYTES))
      const within = at % CHUNK_BYTES
      const part = chunk.subarray(within, within + end - at)
      target.set(part, at - position)
      at += part.length
    }
    return Math.max(0, end - position)
  }

  async #chunk(index: number): Promise<Uint8Array> {
    const kept = this.#chunks.get(index)
    if (kept !== undefined) return kept
    if (this.#requestsLeft-- <= 0) throw new TooManyReads()
    const start = index * CHUNK_BYTES
    const chunk = await this.#request(start, Math.min(this.size, start + CHUNK_BYTES))
    this.#chunks.set(index, chunk)
    const oldest = this.#chunks.keys().next()
    if (this.#chunks.size > KEPT_CHUNKS && !oldest.done) this.#chunks.delete(oldest.value)
    return chunk
  }

  async #request(start: number, end: number): Promise<Uint8Array> {
    this.assertRead()
    const began = performance.now()
    try {
      return await fetchRange(this.#link, { start, end, size: this.size }, this.#patienceMs)
    } catch (error) {
      this.#failure =
        error instanceof ContentReplaced ? error : new LinkFailed('the link does not answer', { cause: error })
      throw this.#failure
    } finally {
      this.#patienceMs -= performance.now() - began
    }
  }
}

async function fetchRange(
  { url, headers }: Inspected['link'],
  range: { start: number; end: number; size: number },
  withinMs: number,
): Promise<Uint8Array> {
  const { start, end, size } = range
  const response = await fetch(url, {
    headers: { ...headers, 'accept-encoding': 'identity', range: `bytes=${start}-${end - 1}` },
    redirect: 'manual',
    signal: AbortSignal.timeout(Math.max(1, Math.ceil(withinMs))),
  })
  try {
    // 416: it is shorter than that.
    if ([404, 412, 416].includes(response.status)) throw new ContentReplaced()
    if (response.status !== 206) throw new Error(`answered ${response.status}`)
    if (response.headers.has('content-encoding')) throw new Error('answered with something encoded')
    const told = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '')
    if (Number(told?.[3]) !== size) throw new ContentReplaced()
    if (Number(told?.[1]) !== start || Number(told?.[2]) !== end - 1) throw new Error('answered another range')
    return await readExactly(response, end - start)
  } finally {
    if (response.body !== null && !response.body.locked) await response.body.cancel()
  }
}

async function readExactly(response: Response, length: number): Promise<Uint8Array> {
  const content = new Uint8Array(length)
  let at = 0
  for await (const part of response.body ?? []) {
    if (at + part.length > length) throw new Error('answered more than was asked for')
    content.set(part, at)
    at += part.length
  }
  if (at < length) throw new Error('answered less than was asked for')
  return content
}
