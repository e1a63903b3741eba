import { z } from 'zod'
import { ConversationId, Time, UploadId } from '../ids.ts'
import { limits } from '../limits.ts'
import { Upload } from '../objects.ts'
import { operation } from '../operation.ts'
import { line } from '../text.ts'

const file = {
  type: z.string().regex(/^[a-z]+\/[a-z0-9][a-z0-9.+-]*$/, { error: 'must be a media type' }),
  /** Bytes. */
  size: z.int().min(1),
}

/** One of the two is null. */
const Reserved = z.object({
  upload: Upload,
  /** Post as `multipart/form-data`: these fields first, then the file in a field named `file`. */
  form: z.object({ url: z.string(), fields: z.record(z.string(), z.string()), expiresAt: Time }).nullable(),
  /** For a large file: put its bytes in parts of `partBytes`, the last one shorter, each to its url; in any order, again if need be. */
  parts: z.object({ partBytes: z.int(), urls: z.array(z.string()), expiresAt: Time }).nullable(),
})

export const ReserveUpload = operation({
  summary:
    'Reserves an upload and answers where its file goes, straight to the object store: a form to post it with, within 5 minutes; for files above 100 MB urls to put its parts to, within an hour.',
  rest: 'POST /media/uploads',
  input: z.strictObject({ conversationId: ConversationId, name: line(limits.fileNameCharacters), ...file }),
  output: Reserved,
  errors: ['not_a_member', 'media_type_not_allowed', 'file_too_large', 'upload_quota_exceeded'],
})

export const ReserveAvatar = operation({
  summary: 'Reserves the upload of an image that will be shown for the caller, or for a conversation.',
  rest: 'POST /media/avatars',
  input: z.strictObject(file),
  output: Reserved,
  errors: ['media_type_not_allowed', 'file_too_large', 'upload_quota_exceeded'],
})

export const CompleteUpload = operation({
  summary:
    'Says that the file is there: it is checked, and becomes ready or rejected. Answers when it has, at the latest after some seconds: then it is `checking`, and `MediaReady` or `MediaRejected` tells. Can be repeated.',
  rest: 'POST /media/uploads/{id}/complete',
  input: z.strictObject({ id: UploadId }),
  output: Upload,
  errors: ['upload_not_found', 'upload_not_received', 'upload_rejected'],
})

export const GetUpload = operation({
  summary: 'How an own upload is.',
  rest: 'GET /media/uploads/{id}',
  input: z.strictObject({ id: UploadId }),
  output: Upload,
  errors: ['upload_not_found'],
})

export const DeleteUpload = operation({
  summary: 'Deletes an own upload that is not part of a message and not an avatar.',
  rest: 'DELETE /media/uploads/{id}',
  input: z.strictObject({ id: UploadId }),
  output: Upload,
  errors: ['upload_not_found', 'upload_in_use'],
})

const Link = z.object({ url: z.string(), expiresAt: Time })
/** `small` if not named. */
const thumbnailSize = { size: z.enum(['small', 'large']).optional() }

export const DownloadMedia = operation({
  summary:
    'A link to a file, valid for 60 seconds, for who may see the message that it is part of; before that, for its uploader: as a redirect, or as JSON to `Accept: application/json`.',
  rest: 'GET /media/{id}',
  redirects: true,
  input: z.strictObject({ id: UploadId }),
  output: Link,
  errors: ['upload_not_found'],
})

export const DownloadThumbnail = operation({
  summary:
    'The same for the thumbnail of an image, a WebP of at most 320 pixels (`small`) or 1280 pixels (`large`) a side.',
  rest: 'GET /media/{id}/thumbnail',
  redirects: true,
  // Half as long as the link can be followed.
  cacheControl: 'private, max-age=30',
  input: z.strictObject({ id: UploadId, ...thumbnailSize }),
  output: Link,
  errors: ['upload_not_found'],
})

export const DownloadAvatar = operation({
  summary:
    'The same for an avatar, a square WebP of at most 128 pixels (`small`) or 512 pixels (`large`) a side, without a token: who knows its id may see it.',
  rest: 'GET /media/avatars/{id}',
  redirects: true,
  cacheControl: 'public, max-age=1800',
  input: z.strictObject({ id: UploadId, ...thumbnailSize }),
  output: Link,
  errors: ['upload_not_found'],
})
