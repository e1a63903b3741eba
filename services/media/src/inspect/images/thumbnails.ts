import { encode } from 'blurhash'
import sharp, { type CreateRaw } from 'sharp'
import type { ThumbnailSize } from '../../domain/object-keys.ts'
import type { OpenedImage } from './open-image.ts'

export interface Thumbnails {
  /** WebP. */
  readonly thumbnails: Readonly<Record<ThumbnailSize, Uint8Array>>
  readonly blurhash: string
}

/** Pixels: they fit into a square of this size. */
const SIDES = { small: 320, large: 1_280 } as const
/** A blurhash has no more in it than this many pixels could tell. */
const BLUR_SIDE = 32

interface Pixels {
  readonly data: Uint8Array
  readonly info: CreateRaw
}

/** The first frame, upright, never larger than it is. */
export async function thumbnailsOf(image: OpenedImage): Promise<Thumbnails> {
  const large: Pixels = await image
    .decode()
    .autoOrient()
    .resize({ width: SIDES.large, height: SIDES.large, fit: 'inside', withoutEnlargement: true })
    .raw()
    .toUint8Array()
  const [small, whole, blurhash] = await Promise.all([
    webp(large, SIDES.small),
    webp(large, SIDES.large),
    blurhashOf(large),
  ])
  return { thumbnails: { small, large: whole }, blurhash }
}

const AVATAR_SIDE = 512
const SMALL_AVATAR_SIDE = 128

/** The middle of it, as a square that stands in its place and is its larger thumbnail as well. */
export async function avatarOf(image: OpenedImage): Promise<Thumbnails & { side: number }> {
  const side = Math.min(AVATAR_SIDE, image.header.width, image.header.height)
  const square: Pixels = await image
    .decode()
    .autoOrient()
    .resize({ width: side, height: side, fit: 'cover' })
    .raw()
    .toUint8Array()
  const [small, large, blurhash] = await Promise.all([
    webp(square, SMALL_AVATAR_SIDE),
    webp(square, AVATAR_SIDE),
    blurhashOf(square),
  ])
  return { thumbnails: { small, large }, blurhash, side }
}

async function webp({ data, info }: Pixels, side: number): Promise<Uint8Array> {
  const { width, height, channels } = info
  const encoded = await sharp(data, { raw: { width, height, channels } })
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
    .toUint8Array()
  return encoded.data
}

/** What is transparent is white. */
async function blurhashOf({ data, info }: Pixels): Promise<string> {
  const { width, height, channels } = info
  const blurred = await sharp(data, { raw: { width, height, channels } })
    .resize({ width: BLUR_SIDE, height: BLUR_SIDE, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: 'white' })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toUint8Array()
  return encode(new Uint8ClampedArray(blurred.data), blurred.info.width, blurred.info.height, 4, 3)
}
