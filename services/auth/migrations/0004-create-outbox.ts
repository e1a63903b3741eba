import type { Kysely } from 'kysely'
import { createOutboxTable } from '@parley/postgres'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createOutboxTable(db)
}
