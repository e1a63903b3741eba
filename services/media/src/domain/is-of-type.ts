import type { MediaType } from './media-types.ts'

/** Whether content with a signature is what was declared: `sniffed` is what `file-type` calls it. */
export function isOfType(mediaType: MediaType, sniffed: string | undefined): boolean {
  return sniffed !== undefined && mediaType.content !== 'text' && mediaType.content.includes(sniffed)
}

/**
 * Types without a signature must be text, in any encoding that extends ASCII: no control characters but tab, line feed, form
 * feed, carriage return and escape. That keeps programs and archives out, and cannot tell one kind of text from another,
 * which is why text is never shown in place.
 */
export function isText(sample: Uint8Array): boolean {
  return sample.every((byte) => byte >= 0x20 || TEXT_CONTROLS.has(byte))
}

const TEXT_CONTROLS = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x1b])
