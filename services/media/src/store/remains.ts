import { sql } from 'kysely'
import type { Db, UploadRow } from './tables.ts'

/** How the verifier asks: none of this is how things are deleted. */
interface Page {
  readonly after: string | null
  readonly most: number
}

/** Of users whose erasure is done: what there still is of theirs. Rows wait for a day after what was held is let go. */
export function listOfErased(db: Db, userIds: readonly string[], { after, most }: Page): Promise<UploadRow[]> {
  return db
    .selectFrom('uploads')
    .selectAll()
    .where('uploadedBy', 'in', userIds)
    .where(sql<boolean>`(deleted_at is null or deleted_at <= ${aDayAgo})`)
    .$if(after !== null, (query) => query.where('id', '>', after!))
    .orderBy('id')
    .limit(most)
    .execute()
}

export interface LeftRow {
  readonly id: string
  readonly what: string
}

/** Rows that say more, or are there for longer, than they should. What may still be written is waited for. */
export async function listLeftRows(db: Db, { after, most }: Page): Promise<LeftRow[]> {
  const { rows } = await sql<LeftRow>`
    select id, what
    from (
      select id, case
        when name <> '' or blurhash is not null or checked_etag is not null then 'details of a deleted upload'
        when removed_at is null and deleted_at <= ${aDayAgo} and coalesce(remove_at, deleted_at) <= ${anHourAgo}
          then 'upload that is deleted but not removed from S3'
        when removed_at <= ${aDayAgo} and created_at <= ${aDayAgo} - interval '24 hours'
          and (message_id is not null or avatar_of is not null) then 'row of an upload that is gone'
        end as what
      from uploads
      where state = 'deleted' and (${after}::uuid is null or id > ${after}::uuid)
    ) as found
    where what is not null
    order by id
    limit ${most}`.execute(db)
  return rows
}

/** Files of messages, attached longer than a day ago. */
export function listAttached(db: Db, { after, most }: Page): Promise<Pick<UploadRow, 'id' | 'messageId'>[]> {
  return db
    .selectFrom('uploads')
    .select(['id', 'messageId'])
    .where('state', '=', 'ready')
    .where('messageId', 'is not', null)
    .where('usedAt', '<=', aDayAgo)
    .$if(after !== null, (query) => query.where('id', '>', after!))
    .orderBy('id')
    .limit(most)
    .execute()
}

/** Which of these have had no right to an object for longer than a day: deleted ones, and those that there are not. */
export async function listWithoutObjects(db: Db, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const entitled = await db
    .selectFrom('uploads')
    .select('id')
    .where('id', 'in', ids)
    .where(sql<boolean>`(deleted_at is null or deleted_at > ${aDayAgo})`)
    .execute()
  return new Set(ids).difference(new Set(entitled.map(({ id }) => id)))
}

/** Events that have been waiting for more than an hour to be told. */
export async function listUntold(db: Db, most: number): Promise<number[]> {
  const rows = await db
    .selectFrom('outbox')
    .select('id')
    .where('createdAt', '<=', anHourAgo)
    .orderBy('id')
    .limit(most)
    .execute()
  return rows.map(({ id }) => id)
}

const aDayAgo = sql<Date>`clock_timestamp() - interval '24 hours'`
const anHourAgo = sql<Date>`clock_timestamp() - interval '1 hour'`
