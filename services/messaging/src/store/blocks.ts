import type { BlockChange } from '@parley/contracts'
import type { Db } from './tables.ts'

type Pair = Pick<BlockChange, 'userId' | 'blockedId'>

/** Whether one of the two of a direct conversation has blocked the other. */
export async function isBlocked(db: Db, conversationId: string): Promise<boolean> {
  const found = await db
    .selectFrom('blocks')
    .select('userId')
    .where('conversationId', '=', conversationId)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

/** False when it is so already. */
export async function insertBlock(db: Db, block: BlockChange): Promise<boolean> {
  const inserted = await db
    .insertInto('blocks')
    .values(block)
    .onConflict((conflict) => conflict.doNothing())
    .returning('userId')
    .executeTakeFirst()
  return inserted !== undefined
}

/** False when there was none. */
export async function deleteBlock(db: Db, { userId, blockedId }: Pair): Promise<boolean> {
  const deleted = await db
    .deleteFrom('blocks')
    .where('userId', '=', userId)
    .where('blockedId', '=', blockedId)
    .returning('userId')
    .executeTakeFirst()
  return deleted !== undefined
}

/** Whom a user has blocked, the newest first. */
export async function listBlocked(db: Db, userId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('blocks')
    .select('blockedId')
    .where('userId', '=', userId)
    .orderBy('createdAt', 'desc')
    .orderBy('blockedId')
    .execute()
  return rows.map(({ blockedId }) => blockedId)
}

export async function countBlocked(db: Db, userId: string): Promise<number> {
  const { blocked } = await db
    .selectFrom('blocks')
    .select(({ fn }) => fn.countAll<number>().as('blocked'))
    .where('userId', '=', userId)
    .executeTakeFirstOrThrow()
  return blocked
}

/** Of these users, those who have blocked anybody. */
export async function findBlockers(db: Db, userIds: readonly string[]): Promise<Set<string>> {
  const rows = await db.selectFrom('blocks').select('userId').distinct().where('userId', 'in', userIds).execute()
  return new Set(rows.map(({ userId }) => userId))
}
