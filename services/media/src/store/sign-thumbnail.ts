import type { Upload } from '@parley/protocol'
import type { S3 } from '@parley/s3'
import { contentDisposition } from '../domain/content-disposition.ts'
import { thumbnailKey, type ThumbnailSize } from '../domain/object-keys.ts'
import { signLink } from './signatures.ts'

/** Thumbnails never change: who has got one may keep it for a day. */
const CACHED_SECONDS = 86_400

/** A link to a thumbnail, and who may keep what it answers: the reader's own browser, or caches on the way too. */
export function signThumbnail(
  s3: S3,
  upload: Upload,
  size: ThumbnailSize,
  { lifetimeMs, audience }: { lifetimeMs: number; audience: 'private' | 'public' },
): Promise<{ url: string; expiresAt: string }> {
  return signLink(
    s3,
    {
      key: thumbnailKey(upload, size),
      type: 'image/webp',
      disposition: contentDisposition({ inline: true }, `${size}.webp`),
      cacheControl: `${audience}, max-age=${CACHED_SECONDS}, immutable`,
    },
    lifetimeMs,
  )
}
