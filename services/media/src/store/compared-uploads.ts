import { sql, type Transaction } from 'kysely'
import type { UploadState } from '@parley/protocol'
import type { Db, Tables } from './tables.ts'

export interface ComparedUpload {
  readonly id: string
  readonly state: UploadState
  readonly removedAt: Date | null
}

/** Those of the uploads that there are, by id. */
export async function statesOf(db: Db, ids: readonly string[]): Promise<Map<string, ComparedUpload>> {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('uploads').select(['id', 'state', 'removedAt']).where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, row]))
}

export interface ReadyUpload {
  readonly id: string
  readonly createdAt: Date
  readonly missingSince: Date | null
}

/** As the fetch says it: Postgres takes no parameter there. */
const ROWS_AT_ONCE = 1_000

/** All that are ready and were settled so long ago, in the order of their objects' keys, read little by little. */
export async function* readyUploads(db: Db, settledBeforeMs: number): AsyncGenerator<ReadyUpload, void> {
  // As long as the cursor is open: it is sorted once, and its rows are as they were at the beginning.
  const opened = Promise.withResolvers<Transaction<Tables>>()
  const done = Promise.withResolvers<void>()
  const transaction = db.transaction().execute(async (begun) => {
    opened.resolve(begun)
    await done.promise
  })
  transaction.catch((error: unknown) => opened.reject(error))
  try {
    const within = await opened.promise
    await sql`set local statement_timeout = 0`.execute(within)
    await sql`set local idle_in_transaction_session_timeout = 0`.execute(within)
    await sql`
      declare ready_uploads no scroll cursor for
      select id, created_at as "createdAt", missing_since as "missingSince" from uploads
      where state = 'ready' and settled_at < clock_timestamp() - ${settledBeforeMs} * interval '1 ms'
      order by to_char(created_at at time zone 'UTC', 'YYYY-MM') collate "C", id`.execute(within)
    for (;;) {
      const { rows } = await sql<ReadyUpload>`fetch 1000 from ready_uploads`.execute(within)
      yield* rows
      if (rows.length < ROWS_AT_ONCE) return
    }
  } finally {
    done.resolve()
    await transaction
  }
}

/** That their objects are not there, or are there again. */
export async function noteMissing(db: Db, ids: readonly string[], isMissing: boolean): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('uploads')
    .set({ missingSince: isMissing ? sql<Date>`coalesce(missing_since, clock_timestamp())` : null })
    .where('id', 'in', ids)
    .execute()
}

/** Which of these gatherings of parts belong to an upload that may still be completed. */
export async function findGathered(db: Db, multipartIds: readonly string[]): Promise<Set<string>> {
  if (multipartIds.length === 0) return new Set()
  const rows = await db
    .selectFrom('uploads')
    .select('multipartId')
    .where('multipartId', 'in', multipartIds)
    .where('state', '=', 'pending')
    .execute()
  return new Set(rows.flatMap(({ multipartId }) => multipartId ?? []))
}
