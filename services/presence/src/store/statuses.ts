import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { DEFAULT_STATUS, type ChosenStatus, type UserStatus } from '@parley/routing'
import { sql } from 'kysely'
import type { StatusChange } from '../chosen-status.ts'
import type { Db } from './tables.ts'

/** What these users have chosen, ended or not. Who has never chosen is missing. */
export async function readStatuses(db: Db, userIds: readonly string[]): Promise<Map<string, ChosenStatus>> {
  if (userIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('statuses')
    .selectAll()
    .where('userId', '=', sql<string>`any(${userIds})`)
    .execute()
  return new Map(rows.map(({ userId, ...chosen }) => [userId, chosen]))
}

/** In one statement, so that choices made at the same time add up. The row in the outbox is for Redis. */
export async function changeStatus(
  db: Db,
  userId: string,
  change: StatusChange,
  now: Date,
): Promise<{ status: UserStatus; row: OutboxRow<StoredStatus> }> {
  return db.transaction().execute(async (transaction) => {
    const status = await transaction
      .insertInto('statuses')
      .values({ ...DEFAULT_STATUS, ...change, userId, version: 1 })
      .onConflict((conflict) =>
        conflict.column('userId').doUpdateSet((eb) => {
          const { status, text, until, visibleTo } = change
          // What has ended must not come back with another end.
          const unlessEnded = eb.case().when('statuses.until', '<=', now)
          return {
            status:
              status ??
              unlessEnded
                .then(sql.lit('online' as const))
                .else(eb.ref('statuses.status'))
                .end(),
            text: text === undefined ? unlessEnded.then(null).else(eb.ref('statuses.text')).end() : text,
            until: until === undefined ? unlessEnded.then(null).else(eb.ref('statuses.until')).end() : until,
            visibleTo: visibleTo ?? eb.ref('statuses.visibleTo'),
            version: eb('statuses.version', '+', 1),
          }
        }),
      )
      .returningAll()
      .executeTakeFirstOrThrow()
    const row = await writeOutbox(transaction, [{ ...status, until: status.until?.toISOString() ?? null }])
    return { status, row }
  })
}

/** A status as JSON in the outbox. */
export type StoredStatus = Omit<UserStatus, 'until'> & { readonly until: string | null }

export const fromOutbox = ({ until, ...status }: StoredStatus): UserStatus => ({
  ...status,
  until: until === null ? null : new Date(until),
})
