import { migrate, openPostgres, type Database, type OutboxTable } from '@parley/postgres'
import { silentLog } from '@parley/testing'
import type { Generated } from 'kysely'

/** The tables of these tests' own service. */
export interface Tables {
  notes: { id: Generated<number>; text: string }
  outbox: OutboxTable
}

export const service = 'notebook'
const folder = new URL('migrations/', import.meta.url)

export const migrateNotebook = (url: string) => migrate({ url, service, folder, log: silentLog })

/** The notebook's database, migrated. */
export async function openNotebook(url: string, statementTimeoutMs = 5_000): Promise<Database<Tables>> {
  await migrateNotebook(url)
  return openPostgres<Tables>({ url, service, log: silentLog, statementTimeoutMs })
}
