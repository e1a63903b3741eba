import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { findMessages } from '../store/messages.ts'
import type { Db } from '../store/tables.ts'

export function listAttachments({ db }: { db: Db }): Handler<(typeof messaging)['calls']['listAttachments']> {
  return async ({ messageIds }) => {
    const messages = await findMessages(db, messageIds)
    return {
      messages: [...messages.values()]
        .filter(({ deletedAt }) => deletedAt === null)
        .map(({ id: messageId, attachments }) => ({ messageId, uploadIds: attachments.map(({ id }) => id) })),
    }
  }
}
