import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { listAttachments as list } from '../store/messages.ts'
import type { Db } from '../store/tables.ts'

export function listAttachments({ db }: { db: Db }): Handler<(typeof messaging)['calls']['listAttachments']> {
  return async ({ messageIds }) => {
    const messages = await list(db, messageIds)
    return {
      messages: messages.map(({ id, attachments }) => ({ messageId: id, uploadIds: attachments.map((one) => one.id) })),
    }
  }
}
