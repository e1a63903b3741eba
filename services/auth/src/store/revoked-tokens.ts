import { sql } from 'kysely'
import type { Db } from './tables.ts'

/** Whether an access token was taken back: by itself, with its session or, when it names none, with all of its user's at the time. */
export async function isTokenRevoked(
  db: Db,
  token: { userId: string; sessionId: string | null; tokenId: string; issuedAt: Date },
): Promise<boolean> {
  const { rows } = await sql`
    select 1 from revocations
    where token_id = ${token.tokenId} or session_id = ${token.sessionId}
    or (${token.sessionId}::text is null
      and user_id = ${token.userId} and session_id is null and token_id is null and at >= ${token.issuedAt})
    limit 1`.execute(db)
  return rows.length > 0
}
