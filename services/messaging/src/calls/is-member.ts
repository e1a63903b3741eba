import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { findMember } from '../store/members.ts'
import type { Db } from '../store/tables.ts'

export function isMember({ db }: { db: Db }): Handler<(typeof messaging)['calls']['isMember']> {
  return async ({ userId, conversationId }) => ({
    member: (await findMember(db, conversationId, userId)) !== undefined,
  })
}
