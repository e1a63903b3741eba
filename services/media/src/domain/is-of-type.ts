import type { MediaType } from './media-types.ts'

/** How much of a file is looked at. Signatures stand within the first few KB; behind them can stand anything. */
export const SAMPLE_BYTES = 16 * 1024

/**
 * Whether content is what was declared, by its first bytes: `sniffed` is what `file-type` calls them. Types without a
 * signature must be text: that keeps programs and archives out, and cannot tell one kind of text from another, which is why
 * text is never shown in place.
 */
export function isOfType(mediaType: MediaType, sample: Uint8Array, sniffed: string | undefined): boolean {
  if (mediaType.content === 'text') return isText(sample)
  return sniffed !== undefined && mediaType.content.includes(sniffed)
}

/** Text in any encoding that extends ASCII: no control characters but tab, line feed, form feed, carriage return and escape. */
function isText(sample: Uint8Array): boolean {
  return sample.every((byte) => byte >= 0x20 || TEXT_CONTROLS.has(byte))
}

const TEXT_CONTROLS = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x1b])
