import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { listAvatars as list } from '../store/conversations.ts'
import type { Db } from '../store/tables.ts'

export function listAvatars({ db }: { db: Db }): Handler<(typeof messaging)['calls']['listAvatars']> {
  return async ({ conversationIds }) => ({ avatars: await list(db, conversationIds) })
}
