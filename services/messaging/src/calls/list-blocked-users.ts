import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { listBlocked } from '../store/blocks.ts'
import type { Db } from '../store/tables.ts'

export function listBlockedUsers({ db }: { db: Db }): Handler<(typeof messaging)['calls']['listBlockedUsers']> {
  return async ({ actor }) => ({ userIds: await listBlocked(db, actor.userId) })
}
