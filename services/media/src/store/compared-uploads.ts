import { sql, type RawBuilder } from 'kysely'
import type { UploadState } from '@parley/protocol'
import type { Db } from './tables.ts'

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

const ROWS_AT_ONCE = 1_000

/**
 * All that are ready and were settled so long ago, in the order of their objects' keys. Read page by page, with no transaction
 * in between: what it is compared with may be slow.
 */
export async function* readyUploads(db: Db, settledBeforeMs: number): AsyncGenerator<ReadyUpload, void> {
  let last: ReadyUpload | undefined
  do {
    const page = await readyAfter(db, settledBeforeMs, last)
    yield* page
    last = page.length === ROWS_AT_ONCE ? page.at(-1) : undefined
  } while (last !== undefined)
}

function readyAfter(db: Db, settledBeforeMs: number, last: ReadyUpload | undefined): Promise<ReadyUpload[]> {
  const page = db
    .selectFrom('uploads')
    .select(['id', 'createdAt', 'missingSince'])
    .where('state', '=', 'ready')
    .where('settledAt', '<', sql<Date>`clock_timestamp() - ${settledBeforeMs} * interval '1 ms'`)
    .orderBy(monthOf(sql.ref('created_at')))
    .orderBy('id')
    .limit(ROWS_AT_ONCE)
  if (last === undefined) return page.execute()
  const position = sql`(${monthOf(sql`${last.createdAt}::timestamptz`)}, ${last.id}::uuid)`
  return page.where(sql<boolean>`(${monthOf(sql.ref('created_at'))}, id) > ${position}`).execute()
}

/** As the index `uploads_ready` has it. */
const monthOf = (time: RawBuilder<unknown>) => sql<Date>`date_trunc('month', ${time} at time zone 'UTC')`

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
