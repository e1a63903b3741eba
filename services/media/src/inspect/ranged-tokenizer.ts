import { AbstractTokenizer, EndOfStreamError, type IReadChunkOptions, type IRandomAccessTokenizer } from 'strtok3'
import type { LinkedContent } from './linked-content.ts'

/** No header that we are interested in is larger. Whoever asks for more has believed a file that lies. */
const MOST_BYTES_AT_ONCE = 8 * 1024 * 1024

/** What `file-type` and `music-metadata` read from: they jump over what they do not want to see, and it is not fetched. */
export class RangedTokenizer extends AbstractTokenizer implements IRandomAccessTokenizer {
  readonly fileInfo: { size: number; mimeType?: string }
  readonly #content: LinkedContent

  constructor(content: LinkedContent, mimeType?: string) {
    super({ maxBufferSize: MOST_BYTES_AT_ONCE })
    this.#content = content
    this.fileInfo = { size: content.size, ...(mimeType === undefined ? {} : { mimeType }) }
  }

  supportsRandomAccess(): boolean {
    return true
  }

  setPosition(position: number): void {
    if (!Number.isSafeInteger(position) || position < 0) throw new RangeError('no such position')
    this.position = position
  }

  async readBuffer(buffer: Uint8Array, options: IReadChunkOptions = {}): Promise<number> {
    const position = options.position ?? this.position
    const length = await this.peekBuffer(buffer, { ...options, position })
    this.position = position + length
    return length
  }

  async peekBuffer(buffer: Uint8Array, options: IReadChunkOptions = {}): Promise<number> {
    const { position = this.position, length = buffer.length, mayBeLess = false } = options
    if (!mayBeLess && position + length > this.#content.size) throw new EndOfStreamError()
    return this.#content.readInto(buffer.subarray(0, length), position)
  }
}
