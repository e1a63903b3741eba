import type { User } from '@parley/protocol'
import { MAX_LATER_BEGINNINGS, searchedName } from '../domain/searched-name.ts'
import type { Db } from './tables.ts'
import { columns, userOf } from './users.ts'

/** Those whose name begins so, by name; then those of whom a later word does. Among the same, in an order that stays. */
export async function searchUsers(db: Db, query: string, limit: number): Promise<User[]> {
  const searched = searchedName(query)
  if (searched === '') return []
  const pattern = `${searched.replaceAll(/[\\%_]/g, '\\$&')}%`
  const byName = await db
    .selectFrom('users')
    .select(columns)
    .where('foldedName', 'like', pattern)
    .orderBy('foldedName')
    .orderBy('id')
    .limit(limit)
    .execute()
  if (byName.length === limit) return byName.map(userOf)
  const byWord = await db
    .selectFrom('laterBeginnings')
    .innerJoin('users', 'users.id', 'laterBeginnings.userId')
    .select(columns)
    .where('beginning', 'like', pattern)
    .orderBy('beginning')
    .orderBy('userId')
    // Someone may be found by several words, and by the whole name too.
    .limit(limit * (MAX_LATER_BEGINNINGS + 1))
    .execute()
  const found = new Map([...byName, ...byWord].map((row) => [row.id, row]))
  return [...found.values()].slice(0, limit).map(userOf)
}
