import type { UploadState } from '@parley/protocol'
import { sql } from 'kysely'
import { asDeleted } from './deletion.ts'
import type { Db, UploadRow } from './tables.ts'

/** Those that nobody has used in time, and those that were rejected as long ago. Answers how many. */
export async function deleteUnusedSince(db: Db, ms: number, most: number): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('uploads')
    .set(asDeleted())
    .where('id', 'in', (query) =>
      query
        .selectFrom('uploads')
        .select('id')
        .where('state', '<>', 'deleted')
        .where('messageId', 'is', null)
        .where('avatarOf', 'is', null)
        .where('createdAt', '<', ago(ms))
        .orderBy('createdAt')
        .limit(most)
        .forUpdate()
        .skipLocked(),
    )
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

/** Parts of messages that became it so long ago that the message is stored by now, or never will be; each is asked about once. */
export function findUnverifiedAttachments(db: Db, ms: number, most: number): Promise<UploadRow[]> {
  return db
    .selectFrom('uploads')
    .selectAll()
    .where('state', '=', 'ready')
    .where('messageId', 'is not', null)
    .where('verifiedAt', 'is', null)
    .where('usedAt', '<', ago(ms))
    .orderBy('usedAt')
    .limit(most)
    .execute()
}

/**
 * Avatars that may have been replaced or taken away: not asked about for so long, or not since their owner has a later one, for
 * so long. Once they are found used they are no longer doubtful.
 */
export function findDoubtfulAvatars(
  db: Db,
  { askedMs, replacedMs }: { askedMs: number; replacedMs: number },
  most: number,
): Promise<UploadRow[]> {
  return db
    .selectFrom('uploads')
    .selectAll()
    .where('state', '=', 'ready')
    .where('avatarOf', 'is not', null)
    .where((eb) =>
      eb.or([
        eb(sql<Date>`coalesce(verified_at, used_at)`, '<', ago(askedMs)),
        eb.exists(
          eb
            .selectFrom('uploads as later')
            .select('later.id')
            .whereRef('later.avatarOf', '=', 'uploads.avatarOf')
            .whereRef('later.usedAt', '>', 'uploads.usedAt')
            .where('later.usedAt', '<', ago(replacedMs))
            .where((either) =>
              either.or([
                either('uploads.verifiedAt', 'is', null),
                either('uploads.verifiedAt', '<', sql<Date>`later.used_at + ${replacedMs} * interval '1 ms'`),
              ]),
            ),
        ),
      ]),
    )
    .orderBy(sql`coalesce(verified_at, used_at)`)
    .limit(most)
    .execute()
}

/** They are still used. */
export async function noteVerified(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db.updateTable('uploads').set({ verifiedAt: now }).where('id', 'in', ids).execute()
}

/** They are used by nobody any more, unless they were used anew since they were `looked` at. */
export async function deleteAsUnused(db: Db, looked: readonly UploadRow[]): Promise<void> {
  for (const { id, usedAt } of looked) {
    await db
      .updateTable('uploads')
      .set(asDeleted())
      .where('id', '=', id)
      // To the millisecond, as it was looked at.
      .where(sql<Date>`date_trunc('milliseconds', used_at)`, '=', usedAt)
      .where('state', '=', 'ready')
      .execute()
  }
}

/** Uploads that are part of nothing, by state: those of about a day. For metrics. */
export async function countUnused(db: Db): Promise<Record<Exclude<UploadState, 'deleted'>, number>> {
  const rows = await db
    .selectFrom('uploads')
    .select('state')
    .select(({ fn }) => fn.countAll<number>().as('uploads'))
    .where('state', '<>', 'deleted')
    .where('messageId', 'is', null)
    .where('avatarOf', 'is', null)
    .groupBy('state')
    .execute()
  const found = Object.fromEntries(rows.map(({ state, uploads }) => [state, Number(uploads)]))
  return { pending: 0, checking: 0, ready: 0, rejected: 0, ...found }
}

const now = sql<Date>`clock_timestamp()`
const ago = (ms: number) => sql<Date>`clock_timestamp() - ${ms} * interval '1 ms'`
