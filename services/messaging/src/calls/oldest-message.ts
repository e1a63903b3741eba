import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { oldestMessageAt } from '../store/oldest-message.ts'
import type { Db } from '../store/tables.ts'

export function oldestMessage({ db }: { db: Db }): Handler<(typeof messaging)['calls']['oldestMessage']> {
  return async () => ({ createdAt: (await oldestMessageAt(db))?.toISOString() ?? null })
}
