import { CompleteUpload, DownloadMedia, ReserveUpload, Upload } from '@parley/protocol'
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
  },
  events: {
    mediaReady: event({
      subject: 'media.event.media-ready',
      payload: z.object({ upload: Upload, uploadedBy: z.string() }),
    }),
    mediaRejected: event({
      subject: 'media.event.media-rejected',
      payload: z.object({ upload: Upload, uploadedBy: z.string(), reason: z.string() }),
    }),
  },
  notices: {},
})
