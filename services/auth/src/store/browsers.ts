import { sql } from 'kysely'
import type { Db, DbTransaction } from './tables.ts'

/** The provider's name for the sign-in of a browser, which sessions of several apps may come from. */
export const BROWSER = 'Session'

interface BrowserPayload {
  readonly authorizations?: Readonly<
    Record<string, { readonly grantId?: string; readonly persistsLogout?: boolean } | undefined>
  >
}

const grantIds = sql`jsonb_path_query_array(payload, '$.authorizations.*.grantId')`

/** Whether a session came from the browser of this row. */
export const holds = (sessionId: string) => sql`${grantIds} @> ${JSON.stringify([sessionId])}::jsonb`

/** The browser that this session came from, but not when the session `spare` came from the same. */
const ofBrowser = (sessionId: string, spare: string | null) =>
  sql`type = ${BROWSER} and ${holds(sessionId)} and not (${spare === null ? sql`false` : holds(spare)})`

/**
 * Keeps what a request has changed of a browser that was signed in before, perhaps under a new id. One that has been signed
 * out meanwhile stays so. Two apps that sign in at once keep what each was given.
 */
export async function updateBrowser(
  db: Db,
  ids: { before: string; now: string },
  values: { payload: object; expiresInSeconds: number },
): Promise<void> {
  const payload = JSON.stringify(values.payload)
  await sql`
    update oauth_artifacts set id = ${ids.now},
      payload = ${payload}::jsonb || jsonb_build_object('authorizations',
        coalesce(payload -> 'authorizations', '{}') || coalesce(${payload}::jsonb -> 'authorizations', '{}')),
      expires_at = clock_timestamp() + ${values.expiresInSeconds} * interval '1 second'
    where type = ${BROWSER} and id in (${ids.before}, ${ids.now})`.execute(db)
}

export async function isBrowserSignedIn(transaction: DbTransaction, uid: string): Promise<boolean> {
  const row = await transaction
    .selectFrom('oauthArtifacts')
    .select('id')
    .where('type', '=', BROWSER)
    .where('uid', '=', uid)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * What ends with the sign-in of the browser that a session came from: the sessions of all apps in it, but for those that were
 * to outlive it (`offline_access`).
 */
export async function listSessionsOfBrowser(
  transaction: DbTransaction,
  sessionId: string,
  spare: string | null,
): Promise<string[]> {
  const { rows } = await sql<{ payload: BrowserPayload }>`
    select payload from oauth_artifacts where ${ofBrowser(sessionId, spare)}`.execute(transaction)
  return rows
    .flatMap(({ payload }) => Object.values(payload.authorizations ?? {}))
    .flatMap((authorization) =>
      authorization?.grantId === undefined || authorization.persistsLogout === true ? [] : [authorization.grantId],
    )
}

/** Ends the sign-in of the browser that a session came from, so that it does not come back without asking who is there. */
export async function signOutBrowser(
  transaction: DbTransaction,
  sessionId: string,
  spare: string | null,
): Promise<void> {
  await sql`delete from oauth_artifacts where ${ofBrowser(sessionId, spare)}`.execute(transaction)
}
