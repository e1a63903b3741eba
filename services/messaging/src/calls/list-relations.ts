import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { findRelations } from '../store/relations.ts'
import type { Db } from '../store/tables.ts'

export function listRelations({ db }: { db: Db }): Handler<(typeof messaging)['calls']['listRelations']> {
  return async ({ userId, otherIds }) => ({ relations: await findRelations(db, userId, otherIds) })
}
