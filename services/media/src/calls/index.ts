import type { Bus, Callers, Handlers } from '@parley/bus'
import type { media, messaging } from '@parley/contracts'
import type { Clock } from '@parley/runtime'
import type { Checking } from '../checks/open-checking.ts'
import type { Reserving } from '../reserving.ts'
import { attachUploads } from './attach-uploads.ts'
import { completeUpload } from './complete-upload.ts'
import { deleteUpload } from './delete-upload.ts'
import { downloadAvatar } from './download-avatar.ts'
import { downloadMedia } from './download-media.ts'
import { downloadThumbnail } from './download-thumbnail.ts'
import { eraseUser } from './erase-user.ts'
import { exportUser } from './export-user.ts'
import { findRemains } from './find-remains.ts'
import { getUpload } from './get-upload.ts'
import { listReconciliations } from './list-reconciliations.ts'
import { releaseUploads } from './release-uploads.ts'
import { reserveAvatar } from './reserve-avatar.ts'
import { reserveUpload } from './reserve-upload.ts'
import { useAvatar } from './use-avatar.ts'

export const calls = (
  using: Reserving & {
    messaging: Pick<Callers<typeof messaging>, 'isMember' | 'seesMessage' | 'listAttachments'>
    bus: Bus
    clock: Clock
    checking: Checking
    removeSoon: () => void
    linkLifetimeMs: number
    avatarLinkLifetimeMs: number
  },
) =>
  ({
    reserveUpload: reserveUpload(using),
    reserveAvatar: reserveAvatar(using),
    completeUpload: completeUpload(using),
    getUpload: getUpload(using),
    deleteUpload: deleteUpload(using),
    downloadMedia: downloadMedia(using),
    downloadThumbnail: downloadThumbnail(using),
    downloadAvatar: downloadAvatar(using),
    listReconciliations: listReconciliations(using),
    attachUploads: attachUploads(using),
    releaseUploads: releaseUploads(using),
    useAvatar: useAvatar(using),
    eraseUser: eraseUser(using),
    exportUser: exportUser(using),
    findRemains: findRemains(using),
  }) satisfies Handlers<typeof media>
