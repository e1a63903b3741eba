import {
  Attachment,
  CompleteUpload,
  ConversationId,
  DeleteUpload,
  DownloadAvatar,
  DownloadMedia,
  DownloadThumbnail,
  GetUpload,
  ListReconciliations,
  MessageId,
  RejectedReason,
  ReserveAvatar,
  ReserveUpload,
  Upload,
  UploadId,
  UserId,
  limits,
} from '@parley/protocol'
import { z } from 'zod'
import { Actor } from './actor.ts'
import { call, contract, event, notice } from './contract.ts'
import { ErasePart, ExportPart, FindRemains } from './personal-data.ts'

/** Of whom, or of what, an upload is the avatar. */
export const AvatarOwner = z.union([z.object({ userId: UserId }), z.object({ conversationId: ConversationId })])
export type AvatarOwner = z.infer<typeof AvatarOwner>

/** Where an avatar is seen, as a path at the gateway: what `avatarUrl` says of one that was uploaded. */
export const avatarPath = (uploadId: string): string => `/api/v1/media/avatars/${uploadId}`

/** Which upload such a path names; undefined for any other address. */
export function uploadIdOfAvatar(avatarUrl: string | null): string | undefined {
  const prefix = avatarPath('')
  return avatarUrl?.startsWith(prefix) ? avatarUrl.slice(prefix.length) : undefined
}

/** What a gateway tells the uploader of an upload that was checked. */
export const SettledNotice = z.object({ userId: UserId, upload: Upload })
export type SettledNotice = z.infer<typeof SettledNotice>

/** Files. */
export const media = contract({
  service: 'media',
  calls: {
    reserveUpload: call({
      subject: 'media.call.reserve-upload',
      request: z.object({ actor: Actor, ...ReserveUpload.input.shape }),
      reply: ReserveUpload.output,
      errors: ReserveUpload.errors,
      timeoutMs: 5_000,
    }),
    reserveAvatar: call({
      subject: 'media.call.reserve-avatar',
      request: z.object({ actor: Actor, ...ReserveAvatar.input.shape }),
      reply: ReserveAvatar.output,
      errors: ReserveAvatar.errors,
      timeoutMs: 3_000,
    }),
    /** Waits for the verdict, but at most `COMPLETE_WAIT_MS`. */
    completeUpload: call({
      subject: 'media.call.complete-upload',
      request: z.object({ actor: Actor, ...CompleteUpload.input.shape }),
      reply: CompleteUpload.output,
      errors: CompleteUpload.errors,
      timeoutMs: 20_000,
    }),
    getUpload: call({
      subject: 'media.call.get-upload',
      request: z.object({ actor: Actor, ...GetUpload.input.shape }),
      reply: GetUpload.output,
      errors: GetUpload.errors,
      timeoutMs: 2_000,
    }),
    deleteUpload: call({
      subject: 'media.call.delete-upload',
      request: z.object({ actor: Actor, ...DeleteUpload.input.shape }),
      reply: DeleteUpload.output,
      errors: DeleteUpload.errors,
      timeoutMs: 2_000,
    }),
    downloadMedia: call({
      subject: 'media.call.download-media',
      request: z.object({ actor: Actor, ...DownloadMedia.input.shape }),
      reply: DownloadMedia.output,
      errors: DownloadMedia.errors,
      timeoutMs: 3_000,
    }),
    downloadThumbnail: call({
      subject: 'media.call.download-thumbnail',
      request: z.object({ actor: Actor, ...DownloadThumbnail.input.shape }),
      reply: DownloadThumbnail.output,
      errors: DownloadThumbnail.errors,
      timeoutMs: 3_000,
    }),
    /** Without an actor: avatars are for everybody who knows their id. */
    downloadAvatar: call({
      subject: 'media.call.download-avatar',
      request: z.object(DownloadAvatar.input.shape),
      reply: DownloadAvatar.output,
      errors: DownloadAvatar.errors,
      timeoutMs: 2_000,
    }),
    listReconciliations: call({
      subject: 'media.call.list-reconciliations',
      request: z.object({ actor: Actor, ...ListReconciliations.input.shape }),
      reply: ListReconciliations.output,
      errors: ListReconciliations.errors,
      timeoutMs: 2_000,
    }),
    /**
     * For messaging, before it stores a message: these uploads become its attachments. Each must be ready, the sender's own,
     * reserved for this conversation, and part of no other message. The same again is answered the same. Several attempts to
     * send the message may hold them at once.
     */
    attachUploads: call({
      subject: 'media.call.attach-uploads',
      request: z.object({
        userId: UserId,
        conversationId: ConversationId,
        messageId: MessageId,
        attemptId: z.uuid(),
        uploadIds: z.array(UploadId).min(1).max(limits.attachmentsPerMessage),
      }),
      reply: z.object({ attachments: z.array(Attachment) }),
      errors: ['upload_not_found', 'upload_not_received', 'upload_rejected'],
      timeoutMs: 2_000,
    }),
    /**
     * For messaging, when an attempt will certainly not store the message: once no attempt holds its uploads, they may become
     * part of another one.
     */
    releaseUploads: call({
      subject: 'media.call.release-uploads',
      request: z.object({ userId: UserId, messageId: MessageId, attemptId: z.uuid() }),
      reply: z.object({}),
      errors: [],
      timeoutMs: 2_000,
    }),
    /**
     * For auth and messaging, before they store it: this upload of the user becomes an avatar, for good. The same again is
     * answered the same. What they do not name a day later, and one that was replaced, is deleted.
     */
    useAvatar: call({
      subject: 'media.call.use-avatar',
      request: z.object({ userId: UserId, uploadId: UploadId, owner: AvatarOwner }),
      reply: z.object({ avatarUrl: z.string() }),
      errors: ['upload_not_found', 'upload_not_received', 'upload_rejected'],
      timeoutMs: 2_000,
    }),
    /** For retention, after messaging and auth have erased theirs: the user's files go, but those of held messages. */
    eraseUser: call({ subject: 'media.call.erase-user', ...ErasePart, errors: ['unavailable'], timeoutMs: 30_000 }),
    exportUser: call({ subject: 'media.call.export-user', ...ExportPart, errors: ['unavailable'], timeoutMs: 15_000 }),
    findRemains: call({
      subject: 'media.call.find-remains',
      ...FindRemains,
      errors: ['unavailable'],
      timeoutMs: 30_000,
    }),
  },
  events: {
    mediaReady: event({
      subject: 'media.event.media-ready',
      summary: 'A file has been checked and can be sent.',
      payload: z.object({ upload: Upload, uploadedBy: z.string() }),
    }),
    mediaRejected: event({
      subject: 'media.event.media-rejected',
      summary: 'A file has been checked and refused.',
      payload: z.object({ upload: Upload, uploadedBy: z.string(), reason: RejectedReason }),
    }),
  },
  notices: {
    /** To all gateways: an upload is ready or rejected since just now. JSON of `SettledNotice`. */
    settled: notice({ subject: 'media.notice.settled' }),
  },
})

/** How long `completeUpload` waits for the verdict. */
export const COMPLETE_WAIT_MS = 10_000
