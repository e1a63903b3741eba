import { z } from 'zod'
import { ConversationId, Time, UploadId } from '../ids.ts'
import { limits } from '../limits.ts'
import { operation } from '../operation.ts'
import { line } from '../text.ts'

export const UploadState = z.enum(['pending', 'checking', 'ready', 'rejected']).meta({ id: 'UploadState' })
export type UploadState = z.infer<typeof UploadState>

export const Upload = z
  .object({
    id: UploadId,
    conversationId: ConversationId,
    state: UploadState,
    name: z.string(),
    type: z.string(),
    size: z.int(),
    createdAt: Time,
  })
  .meta({ id: 'Upload' })
export type Upload = z.infer<typeof Upload>

export const ReserveUpload = operation({
  summary:
    'Reserves an upload and answers the form to post the file with, straight to the object store, within 5 minutes.',
  rest: 'POST /media/uploads',
  input: z.strictObject({
    conversationId: ConversationId,
    name: line(limits.fileNameCharacters),
    type: z.string().regex(/^[a-z]+\/[a-z0-9][a-z0-9.+-]*$/, { error: 'must be a media type' }),
    /** Bytes. */
    size: z.int().min(1),
  }),
  output: z.object({
    upload: Upload,
    /** Post as `multipart/form-data`: these fields first, then the file in a field named `file`. */
    form: z.object({ url: z.string(), fields: z.record(z.string(), z.string()), expiresAt: Time }),
  }),
  errors: ['not_a_member', 'media_type_not_allowed', 'file_too_large'],
})

export const CompleteUpload = operation({
  summary: 'Says that the file has been posted: it is checked and becomes ready. Can be repeated.',
  rest: 'POST /media/uploads/{id}/complete',
  input: z.strictObject({ id: UploadId }),
  output: Upload,
  errors: ['upload_not_found', 'upload_not_received', 'upload_rejected'],
})

export const DownloadMedia = operation({
  summary:
    'A link to a ready file, valid for 60 seconds, for members of its conversation: as a redirect, or as JSON to `Accept: application/json`.',
  rest: 'GET /media/{id}',
  redirects: true,
  input: z.strictObject({ id: UploadId }),
  output: z.object({ url: z.string(), expiresAt: Time }),
  errors: ['upload_not_found'],
})
