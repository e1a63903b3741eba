import type { Inspection } from '../inspector.ts'
import { NOTHING_FOUND } from '../nothing-found.ts'
import { NotTheFormat, openImage, type OpenedImage } from './open-image.ts'
import { rewriteImage } from './rewrite-image.ts'
import { avatarOf, thumbnailsOf } from './thumbnails.ts'

/** The verdict on an image, and what others get in its place. */
export async function inspectImage(
  content: Uint8Array,
  { type, isAvatar }: { type: string; isAvatar: boolean },
  limits: { maxPixels: number; secondsLeft: () => number },
): Promise<Inspection> {
  try {
    const image = await openImage(content, type, limits)
    if (image.pixels > limits.maxPixels) return { verdict: 'too_many_pixels' }
    return await (isAvatar ? asAvatar(image) : asImage(image))
  } catch (error) {
    if (error instanceof NotTheFormat) return { verdict: 'not_the_declared_type' }
    return { verdict: ranOutOfTime(error) ? 'too_much_to_check' : 'not_readable' }
  }
}

async function asImage(image: OpenedImage): Promise<Inspection> {
  const { content, width, height } = await rewriteImage(image)
  const { thumbnails, blurhash } = await thumbnailsOf(image)
  return { verdict: 'fine', findings: { ...NOTHING_FOUND, width, height, blurhash }, rewritten: content, thumbnails }
}

async function asAvatar(image: OpenedImage): Promise<Inspection> {
  const { thumbnails, blurhash, side } = await avatarOf(image)
  const findings = { ...NOTHING_FOUND, width: side, height: side, blurhash }
  return { verdict: 'fine', findings, rewritten: thumbnails.large, thumbnails }
}

/** `sharp` says it only in words. */
function ranOutOfTime(error: unknown): boolean {
  return error instanceof Error && error.message.includes('timeout:')
}
