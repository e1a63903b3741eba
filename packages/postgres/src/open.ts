import type { Socket } from 'node:net'
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
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000
/** How long an unused connection is kept: the first work after a quiet minute pays for a new one. */
const IDLE_TIMEOUT_MS = 60_000
const SILENCE_MARGIN_MS = 2_000

/** Counters are bigint in tables and numbers here: they stay far below 2^53. */
const INT8 = 20
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig

/**
 * Nothing waits for ever: connecting, statements, locks and idle transactions all have time-outs, and a connection in use that
 * stays silent for longer than these allow is given up: its server is gone without a word.
 */
export function openPostgres<Tables>(options: {
  url: string
  service: string
  log: Logger
  maxConnections?: number
  /** For work that is known to take long, such as DDL on large tables. */
  statementTimeoutMs?: number
}): Database<Tables> {
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS } = options
  const silenceMs = Math.max(statementTimeoutMs, IDLE_IN_TRANSACTION_TIMEOUT_MS) + SILENCE_MARGIN_MS
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.service,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    types,
  })
  // A connection that breaks is replaced by the pool, and its query fails; without listeners it would end the process too.
  pool.on('error', (error) => options.log.warn({ error }, 'idle postgres connection lost'))
  pool.on('connect', (client) => {
    client.on('error', (error) => options.log.debug({ error }, 'postgres connection lost'))
    const socket = socketOf(client)
    const silent = Object.assign(new Error(`postgres was silent for ${silenceMs} ms`), { code: 'ETIMEDOUT' })
    socket.on('timeout', () => socket.destroy(silent))
  })
  pool.on('acquire', (client) => socketOf(client).setTimeout(silenceMs))
  pool.on('release', (_error, client) => socketOf(client).setTimeout(0))
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

/** Not part of the library's types: what a client speaks through. */
const socketOf = (client: pg.PoolClient): Socket =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream
