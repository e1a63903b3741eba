import type { Attachment, Upload } from '@parley/protocol'
import type { UploadRow } from './tables.ts'

/** As its owner sees it. */
export function uploadOf(row: UploadRow): Upload {
  const { state, rejectedReason, conversationId, createdAt } = row
  return { ...attachmentOf(row), state, rejectedReason, conversationId, createdAt: createdAt.toISOString() }
}

/** As a message carries it. */
export function attachmentOf(row: UploadRow): Attachment {
  const { id, name, type, size, width, height, blurhash, durationMs, pages } = row
  return { id, name, type, size, width, height, blurhash, durationMs, pages }
}
