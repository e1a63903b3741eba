import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp'

/** An image whose header is read and believed, and nothing else. */
export interface OpenedImage {
  readonly format: ImageFormat
  readonly header: Metadata
  /** All frames, or pages. */
  readonly pages: number
  /** Pixels of all pages together. */
  readonly pixels: number
  /** Decodes it when it is asked for a result, in the time that is left. */
  decode(options?: Pick<SharpOptions, 'animated'>): Sharp
}

export type ImageFormat = 'jpeg' | 'png' | 'gif' | 'webp' | 'avif' | 'tiff'

/** What libvips calls the content of a type. */
const formats: ReadonlyMap<string, { format: ImageFormat; loadedAs: string; hasPages: boolean }> = new Map([
  ['image/jpeg', { format: 'jpeg', loadedAs: 'jpeg', hasPages: false }],
  ['image/png', { format: 'png', loadedAs: 'png', hasPages: false }],
  ['image/gif', { format: 'gif', loadedAs: 'gif', hasPages: true }],
  ['image/webp', { format: 'webp', loadedAs: 'webp', hasPages: true }],
  ['image/avif', { format: 'avif', loadedAs: 'heif', hasPages: false }],
  ['image/tiff', { format: 'tiff', loadedAs: 'tiff', hasPages: true }],
])

export class NotTheFormat extends Error {
  override readonly name = 'NotTheFormat'
}

/** Reads the header. */
export async function openImage(
  content: Uint8Array,
  type: string,
  limits: { maxPixels: number; secondsLeft: () => number },
): Promise<OpenedImage> {
  const known = formats.get(type)
  // Without a limit of pixels: it is asked for their number.
  const header = await sharp(content, { failOn: 'error', limitInputPixels: false }).metadata()
  if (known === undefined || header.format !== known.loadedAs) throw new NotTheFormat()
  const pages = known.hasPages ? (header.pages ?? 1) : 1
  const options: SharpOptions = { failOn: 'error', limitInputPixels: limits.maxPixels }
  return {
    format: known.format,
    header,
    pages,
    pixels: header.width * header.height * pages,
    decode: ({ animated = false } = {}) =>
      sharp(content, { ...options, animated }).timeout({ seconds: Math.max(1, Math.floor(limits.secondsLeft())) }),
  }
}
