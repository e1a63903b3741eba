import {
  Attachment,
  CompleteUpload,
  ConversationId,
  DownloadMedia,
  MessageId,
  ReserveUpload,
  Upload,
  UploadId,
  UserId,
  limits,
} from '@parley/protocol'
import { z } from 'zod'
import { Actor } from './actor.ts'
import { call, contract, event } from './contract.ts'

/** Files. */
export const media = contract({
  service: 'media',
  calls: {
    reserveUpload: call({
      subject: 'media.call.reserve-upload',
      request: z.object({ actor: Actor, ...ReserveUpload.input.shape }),
      reply: ReserveUpload.output,
      errors: ReserveUpload.errors,
      timeoutMs: 3_000,
    }),
    completeUpload: call({
      subject: 'media.call.complete-upload',
      request: z.object({ actor: Actor, ...CompleteUpload.input.shape }),
      reply: CompleteUpload.output,
      errors: CompleteUpload.errors,
      timeoutMs: 20_000,
    }),
    downloadMedia: call({
      subject: 'media.call.download-media',
      request: z.object({ actor: Actor, ...DownloadMedia.input.shape }),
      reply: DownloadMedia.output,
      errors: DownloadMedia.errors,
      timeoutMs: 3_000,
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
      payload: z.object({ upload: Upload, uploadedBy: z.string(), reason: z.string() }),
    }),
  },
  notices: {},
})
