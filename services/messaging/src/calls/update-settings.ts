import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { readSettings, writePrivateRead } from '../store/settings.ts'
import type { Db } from '../store/tables.ts'

export function updateSettings({ db }: { db: Db }): Handler<(typeof messaging)['calls']['updateSettings']> {
  return async ({ actor: { userId }, privateRead }) => {
    if (privateRead !== undefined) await writePrivateRead(db, userId, privateRead)
    return readSettings(db, userId)
  }
}
