import { sql } from 'kysely'
import { BROWSER, holds } from './browsers.ts'
import type { Artifact } from './oauth-artifacts.ts'
import type { Db, DbTransaction } from './tables.ts'

/** The provider's grant of a session. An ended session has none, even if a request that began before has saved it once more. */
export async function findGrant(db: Db, sessionId: string): Promise<Artifact | undefined> {
  return await db
    .selectFrom('oauthArtifacts')
    .leftJoin('sessions', 'sessions.id', 'oauthArtifacts.grantId')
    .select(['payload', 'consumedAt'])
    .where('type', '=', 'Grant')
    .where('grantId', '=', sessionId)
    .where('endedAt', 'is', null)
    .executeTakeFirst()
}

/** Removes what the provider keeps of sessions: their grants, with all codes and refresh tokens. */
export async function deleteGrants(db: Db, sessionIds: readonly string[]): Promise<void> {
  if (sessionIds.length === 0) return
  await db.deleteFrom('oauthArtifacts').where('grantId', 'in', sessionIds).execute()
}

/** Removes all that the provider keeps of a user, but what belongs to one session. */
export async function deleteArtifactsOfUser(
  transaction: DbTransaction,
  userId: string,
  except: string | null,
): Promise<void> {
  const spared =
    except === null
      ? sql`false`
      : sql`grant_id is not distinct from ${except} or (type = ${BROWSER} and ${holds(except)})`
  await sql`
    delete from oauth_artifacts where payload ->> 'accountId' = ${userId} and not (${spared})`.execute(transaction)
}
