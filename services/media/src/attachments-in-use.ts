import { must, type Callers } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { UploadRow } from './store/tables.ts'

export interface Messages {
  readonly messaging: Pick<Callers<typeof messaging>, 'listAttachments'>
}

/** Which of these, at most 100, `messaging` still calls part of their message: one that is stored, or held. Throws when it cannot be asked. */
export async function attachmentsInUse(
  { messaging }: Messages,
  uploads: readonly Pick<UploadRow, 'id' | 'messageId'>[],
): Promise<Set<string>> {
  const messageIds = [...new Set(uploads.flatMap(({ messageId }) => messageId ?? []))]
  if (messageIds.length === 0) return new Set()
  const { messages } = must(await messaging.listAttachments({ messageIds }))
  const uploadsOf = new Map(messages.map(({ messageId, uploadIds }) => [messageId, uploadIds]))
  return new Set(uploads.filter(({ id, messageId }) => uploadsOf.get(messageId!)?.includes(id)).map(({ id }) => id))
}
