import type { Findings } from '@parley/protocol'
import { parseFromTokenizer, type IAudioMetadata } from 'music-metadata'
import { isTurned } from './film-orientation.ts'
import type { LinkedContent } from './linked-content.ts'
import { NOTHING_FOUND } from './nothing-found.ts'
import { RangedTokenizer } from './ranged-tokenizer.ts'

/** How long it is and how large, by its headers alone. What they do not tell, or tell badly, is null: players are patient. */
export async function soundOrFilm(content: LinkedContent, sniffed: string): Promise<Findings> {
  try {
    const { format } = await parseFromTokenizer(new RangedTokenizer(content, sniffed), {
      duration: false,
      skipCovers: true,
      includeChapters: false,
      mkvUseIndex: true,
    })
    return { ...NOTHING_FOUND, ...(await sizeOf(format, content)), durationMs: durationMsOf(format) }
  } catch {
    return NOTHING_FOUND
  } finally {
    content.assertRead()
  }
}

/** A month. Whatever says that it is longer is wrong. */
const LONGEST_MS = 31 * 24 * 60 * 60_000
const MOST_PIXELS_A_SIDE = 65_535

/** `duration` is that of the sound alone, if there is film. */
function durationMsOf({ duration, trackInfo }: IAudioMetadata['format']): number | null {
  const longest = Math.max(0, ...trackInfo.map((track) => track.duration ?? 0))
  return whole((longest > 0 ? longest : (duration ?? 0)) * 1_000, LONGEST_MS)
}

async function sizeOf(
  { trackInfo }: IAudioMetadata['format'],
  content: LinkedContent,
): Promise<{ width: number | null; height: number | null }> {
  const video = trackInfo.find((track) => track.video !== undefined)?.video
  // Of Matroska, the size at which it is shown may be a ratio instead of pixels.
  const shown = video?.displayUnit === undefined || video.displayUnit === 0
  const width = whole((shown ? video?.displayWidth : undefined) ?? video?.pixelWidth ?? 0, MOST_PIXELS_A_SIDE)
  const height = whole((shown ? video?.displayHeight : undefined) ?? video?.pixelHeight ?? 0, MOST_PIXELS_A_SIDE)
  if (width === null || height === null) return { width: null, height: null }
  return (await isTurned(content)) ? { width: height, height: width } : { width, height }
}

function whole(value: number, most: number): number | null {
  const rounded = Math.round(value)
  return rounded >= 1 && rounded <= most ? rounded : null
}
