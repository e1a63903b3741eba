import pg from 'pg'

/**
 * SQLSTATE classes and codes that say: Postgres is away, stopping, out of something, no longer the primary, or others were
 * in the way; nothing is wrong with the query.
 */
const AWAY = /^(08|53|57P)|^(57014|55P03|40001|40P01|25P03|25006)$/

/**
 * Whether the database could not do it now, and a later retry may succeed. The outcome of what was under way is unknown when
 * the connection was lost during a COMMIT: callers answer `unavailable` and never guess.
 */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return AWAY.test(error.code ?? '')
  if (!(error instanceof Error)) return false
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string') return /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)/.test(code)
  return /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error/i.test(
    error.message,
  )
}

/** The name of the constraint a statement ran into, if it was one. */
export function violatedConstraint(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError && error.code?.startsWith('23') === true ? error.constraint : undefined
}
