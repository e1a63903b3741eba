import type { Change } from '../domain/change.ts'
import type { MessageRow } from './tables.ts'

export type FilesRemoved = Extract<Change, { kind: 'attachments-removed' }>

/** What others are told when the files of a message go; nothing without any. */
export function filesRemoved({
  id: messageId,
  conversationId,
  attachments,
}: Pick<MessageRow, 'id' | 'conversationId' | 'attachments'>): FilesRemoved[] {
  if (attachments.length === 0) return []
  return [{ kind: 'attachments-removed', conversationId, messageId, uploadIds: attachments.map(({ id }) => id) }]
}
