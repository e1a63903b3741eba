import { readdir } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { join } from 'node:path'
import type { Logger } from '@parley/runtime'
import { Migrator, type Migration } from 'kysely/migration'
import { openPostgres } from './open.ts'

const STATEMENT_TIMEOUT_MS = 10 * 60_000

/**
 * Brings a service's schema up to date, forward only: runs what has not run yet of the folder's `NNNN-verb-noun.ts`, each
 * exporting `up(db)`. Several processes may do it at once; one works, the others wait.
 */
export async function migrate(options: { url: string; service: string; folder: URL; log: Logger }): Promise<string[]> {
  await using postgres = openPostgres<unknown>({
    ...options,
    maxConnections: 1,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  const migrator = new Migrator({
    db: postgres.db,
    provider: { getMigrations: () => readMigrations(options.folder) },
    migrationTableSchema: options.service,
  })
  const { error, results = [] } = await migrator.migrateToLatest()
  for (const { migrationName, status } of results) options.log.info({ migration: migrationName, status }, 'migrated')
  if (error !== undefined) throw new Error(`the ${options.service} schema could not be migrated`, { cause: error })
  return results.map(({ migrationName }) => migrationName)
}

async function readMigrations(folder: URL): Promise<Record<string, Migration>> {
  const path = fileURLToPath(folder)
  const files = (await readdir(path)).filter((file) => /^\d{4}-.*\.ts$/.test(file)).toSorted()
  const loaded = files.map(async (file) => {
    const migration = (await import(pathToFileURL(join(path, file)).href)) as Migration
    return [file.replace(/\.ts$/, ''), migration] as const
  })
  return Object.fromEntries(await Promise.all(loaded))
}
