import { sql } from 'kysely'
import type { Db, HoldRow } from './tables.ts'

export async function findHold(db: Db, id: string): Promise<HoldRow | undefined> {
  return db.selectFrom('holds').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Undefined when there is one with this id. */
export async function insertHold(
  db: Db,
  hold: Pick<HoldRow, 'id' | 'userId' | 'conversationId' | 'reason' | 'placedBy' | 'placedAt'>,
): Promise<HoldRow | undefined> {
  return db
    .insertInto('holds')
    .values({ ...hold, releasedBy: null, releasedAt: null, confirmed: null })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returningAll()
    .executeTakeFirst()
}

/** Undefined when it does not hold. */
export async function releaseHold(
  db: Db,
  released: { id: string; releasedBy: string; releasedAt: Date },
): Promise<HoldRow | undefined> {
  const { id, ...changed } = released
  return db
    .updateTable('holds')
    .set(changed)
    .where('id', '=', id)
    .where('releasedAt', 'is', null)
    .returningAll()
    .executeTakeFirst()
}

/** The newest first, from before one. */
export async function listHolds(
  db: Db,
  page: {
    userId: string | undefined
    conversationId: string | undefined
    released: boolean
    before: { placedAt: Date; id: string } | undefined
    limit: number
  },
): Promise<HoldRow[]> {
  const { userId, conversationId, released, before, limit } = page
  return db
    .selectFrom('holds')
    .selectAll()
    .$if(userId !== undefined, (query) => query.where('userId', '=', userId!))
    .$if(conversationId !== undefined, (query) => query.where('conversationId', '=', conversationId!))
    .$if(!released, (query) => query.where('releasedAt', 'is', null))
    .$if(before !== undefined, (query) =>
      query.where((eb) => eb(eb.refTuple('placedAt', 'id'), '<', eb.tuple(before!.placedAt, before!.id))),
    )
    .orderBy('placedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** Whether they hold or were released, by id, after one. Locked until the transaction ends: none is released meanwhile. */
export async function lockHolds(db: Db, page: { after: string | undefined; limit: number }): Promise<HoldRow[]> {
  return db
    .selectFrom('holds')
    .selectAll()
    .$if(page.after !== undefined, (query) => query.where('id', '>', page.after!))
    .orderBy('id')
    .limit(page.limit)
    .forUpdate()
    .execute()
}

export async function isUserHeld(db: Db, userId: string): Promise<boolean> {
  const hold = await db
    .selectFrom('holds')
    .select('id')
    .where('userId', '=', userId)
    .where('releasedAt', 'is', null)
    .executeTakeFirst()
  return hold !== undefined
}

const toBeConfirmed = sql<string>`case when released_at is null then 'placed' else 'released' end`

/** Locked until the transaction ends, so that they are told alone, and in the order in which they were decided. */
export async function lockUnconfirmedHolds(db: Db, ids: readonly string[] | 'all', limit: number): Promise<HoldRow[]> {
  return db
    .selectFrom('holds')
    .selectAll()
    .where('confirmed', 'is distinct from', toBeConfirmed as never)
    .$if(ids !== 'all', (query) => query.where('id', 'in', ids as readonly string[]))
    .orderBy('id')
    .limit(limit)
    .forUpdate()
    .execute()
}

export async function confirmHolds(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('holds')
    .set({ confirmed: toBeConfirmed as never })
    .where('id', 'in', ids)
    .execute()
}
