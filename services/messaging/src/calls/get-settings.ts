import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { readSettings } from '../store/settings.ts'
import type { Db } from '../store/tables.ts'

export function getSettings({ db }: { db: Db }): Handler<(typeof messaging)['calls']['getSettings']> {
  return ({ actor }) => readSettings(db, actor.userId)
}
