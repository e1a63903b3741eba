import { CamelCasePlugin, Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Logger } from '@parley/runtime'

/** A service's own database: its role sees its own schema and nothing else. */
export interface Database<Tables> extends AsyncDisposable {
  readonly db: Kysely<Tables>
  /** Resolves when Postgres answers. A health check. */
  check(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 2_000
const STATEMENT_TIMEOUT_MS = 5_000
const LOCK_TIMEOUT_MS = 2_000
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000

/** Counters are bigint in tables and numbers here: they stay far below 2^53. */
const INT8 = 20
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig

/** Nothing waits for ever: connecting, statements, locks and idle transactions all have time-outs. */
export function openPostgres<Tables>(options: {
  url: string
  service: string
  log: Logger
  maxConnections?: number
  /** For work that is known to take long, such as DDL on large tables. */
  statementTimeoutMs?: number
}): Database<Tables> {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.service,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    types,
  })
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', (error) => options.log.warn({ error }, 'idle postgres connection lost'))
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })
  return {
    db,
    async check() {
      await sql`select 1`.execute(db)
    },
    async [Symbol.asyncDispose]() {
      await db.destroy()
    },
  }
}
