import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { listAttachments as list } from '../store/messages.ts'
import type { Db } from '../store/tables.ts'

export function listAttachments({ db }: { db: Db }): Handler<(typeof messaging)['calls']['listAttachments']> {
  return async ({ messageIds }) => {
    const uploads = await list(db, messageIds)
    return { messages: [...uploads].map(([messageId, uploadIds]) => ({ messageId, uploadIds: [...uploadIds] })) }
  }
}
