import type { BlockChange } from '@parley/contracts'
import { sql } from 'kysely'
import type { OwnPlace } from './erasures.ts'
import type { Db } from './tables.ts'

const AT_ONCE = 500

/** Some of whom the user has blocked, and of who has blocked the user. */
export async function deleteBlocksOf(db: Db, userId: string): Promise<BlockChange[]> {
  const { rows } = await sql<BlockChange>`
    delete from blocks where (user_id, blocked_id) in (
      select user_id, blocked_id from blocks where user_id = ${userId} or blocked_id = ${userId}
      order by user_id, blocked_id limit ${AT_ONCE} for update)
    returning user_id, blocked_id, conversation_id`.execute(db)
  return rows
}

/** All of them: there are few. Those of a day are kept. */
export const deleteBlockChangesOf = (db: Db, userId: string): Promise<number> =>
  affected(db, sql`delete from block_changes where user_id = ${userId} or blocked_id = ${userId}`)

/** Some of them. */
export const deleteUnreadMentionsOf = (db: Db, userId: string): Promise<number> =>
  affected(
    db,
    sql`
      delete from unread_mentions where user_id = ${userId} and (conversation_id, sequence) in (
        select conversation_id, sequence from unread_mentions where user_id = ${userId}
        order by conversation_id, sequence limit ${AT_ONCE})`,
  )

export const forgetSettings = (db: Db, userId: string): Promise<number> =>
  affected(db, sql`update users set private_read = false where user_id = ${userId} and private_read`)

/** Nobody is told: it was their own business. */
export const forgetMute = (db: Db, { conversationId, userId }: OwnPlace): Promise<number> =>
  affected(
    db,
    sql`
      update members set muted_until = null
      where conversation_id = ${conversationId} and user_id = ${userId} and muted_until is not null`,
  )

export async function countHeldOf(db: Db, userId: string): Promise<number> {
  const { held } = await db
    .selectFrom('heldMessages')
    .select(({ fn }) => fn.countAll<number>().as('held'))
    .where('senderId', '=', userId)
    .executeTakeFirstOrThrow()
  return held
}

const affected = async (db: Db, query: ReturnType<typeof sql>): Promise<number> =>
  Number((await query.execute(db)).numAffectedRows ?? 0)
