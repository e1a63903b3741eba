import type { Sharp } from 'sharp'
import type { OpenedImage } from './open-image.ts'

export interface Rewritten {
  readonly content: Uint8Array
  /** Pixels, as it is shown. */
  readonly width: number
  readonly height: number
}

/**
 * The same picture in the same format, drawn anew from its pixels: upright, in sRGB, and without anything else that was in the
 * file. What is not a pixel cannot get through: places, comments, colour profiles, second files behind or between.
 */
export async function rewriteImage(image: OpenedImage): Promise<Rewritten> {
  const isAnimated = image.pages > 1
  const decoded = image.decode({ animated: isAnimated })
  // Frames cannot be turned, and animations are not taken by cameras.
  const upright = isAnimated ? decoded : decoded.autoOrient()
  const { data, info } = await encode(upright, image).toUint8Array()
  return { content: data, width: info.width, height: info.pageHeight ?? info.height }
}

/** Close to what was sent, in seconds rather than minutes for the largest. */
function encode(pixels: Sharp, { format, header }: OpenedImage): Sharp {
  switch (format) {
    case 'jpeg':
      return pixels.jpeg({ quality: 90, chromaSubsampling: header.chromaSubsampling === '4:4:4' ? '4:4:4' : '4:2:0' })
    case 'png':
      return inItsDepth(pixels, header.depth).png()
    case 'tiff':
      return inItsDepth(pixels, header.depth).tiff({ compression: 'deflate', predictor: 'horizontal' })
    case 'gif':
      return pixels.gif({ effort: 4 })
    case 'webp':
      return pixels.webp({ quality: 90, effort: 2 })
    case 'avif':
      return pixels.avif({ quality: 70, effort: 0 })
  }
}

/** 16 bits stay 16 bits. */
function inItsDepth(pixels: Sharp, depth: string): Sharp {
  return depth === 'ushort' ? pixels.toColourspace('rgb16') : pixels
}
