import type { LinkedContent } from './linked-content.ts'

interface Box {
  readonly type: string
  /** Where its content begins and ends. */
  readonly start: number
  readonly end: number
}

/** No film needs more, and who loops through more has been led astray. */
const MOST_BOXES = 256

/**
 * Whether a film in an MP4 or QuickTime file is to be turned by a quarter, as those are that telephones make when held upright:
 * the `tkhd` box of its picture says so (ISO 14496-12, 8.3.2). False for all other content.
 */
export async function isTurned(content: LinkedContent): Promise<boolean> {
  let left = MOST_BOXES
  async function* boxesIn(start: number, end: number): AsyncGenerator<Box> {
    for (let at = start; at + 8 <= end && left-- > 0;) {
      const box = await boxAt(content, at, end)
      if (box === undefined) return
      yield box
      at = box.end
    }
  }
  for await (const movie of boxesIn(0, content.size)) {
    if (movie.type !== 'moov') continue
    for await (const track of boxesIn(movie.start, movie.end)) {
      if (track.type !== 'trak') continue
      for await (const header of boxesIn(track.start, track.end)) {
        if (header.type === 'tkhd' && (await turnsPicture(content, header))) return true
      }
    }
  }
  return false
}

async function boxAt(content: LinkedContent, at: number, limit: number): Promise<Box | undefined> {
  const head = await viewOf(content, at, 16)
  const type = String.fromCharCode(...[4, 5, 6, 7].map((index) => head.getUint8(index)))
  const short = head.getUint32(0)
  const isLong = short === 1
  if (isLong && head.byteLength < 16) return undefined
  const size = isLong ? Number(head.getBigUint64(8)) : short === 0 ? limit - at : short
  const start = at + (isLong ? 16 : 8)
  const end = at + size
  return end < start || end > limit ? undefined : { type, start, end }
}

/** The matrix and the size stand at the end, whatever the version. A track without a size is no picture. */
async function turnsPicture(content: LinkedContent, { start, end }: Box): Promise<boolean> {
  const MATRIX_AND_SIZE_BYTES = 44
  if (end - start < MATRIX_AND_SIZE_BYTES) return false
  const view = await viewOf(content, end - MATRIX_AND_SIZE_BYTES, MATRIX_AND_SIZE_BYTES)
  const [a, b, width] = [view.getInt32(0), view.getInt32(4), view.getUint32(36)]
  return width > 0 && Math.abs(b) > Math.abs(a)
}

async function viewOf(content: LinkedContent, position: number, length: number): Promise<DataView> {
  const bytes = new Uint8Array(length)
  return new DataView(bytes.buffer, 0, await content.readInto(bytes, position))
}
