import Provider, { errors, type Adapter, type AdapterFactory, type AdapterPayload } from 'oidc-provider'
import type { EndReason, Sessions } from '../sessions/sessions.ts'
import {
  consumeArtifact,
  consumeRefreshToken,
  deleteArtifact,
  findArtifact,
  findRefreshToken,
  insertRefreshToken,
  REFRESH_TOKEN,
  upsertArtifact,
  type Artifact,
} from '../store/oauth-artifacts.ts'
import { BROWSER } from '../store/browsers.ts'
import { deleteGrants, findGrant } from '../store/session-artifacts.ts'
import type { Db } from '../store/tables.ts'
import { browsers } from './browser-adapter.ts'
import { hashed } from './hashed.ts'
import { lifetimes, REFRESH_FORGIVENESS_SECONDS } from './lifetimes.ts'
import { spentRefreshToken } from './refresh-rotation.ts'
import { orTemporarilyUnavailable } from './temporarily-unavailable.ts'

/**
 * The store of the OAuth library, shared by all instances. An id is the very value that its bearer shows (a code, a refresh
 * token, a session's cookie): the table has its hash only, so that reading it signs nobody in.
 */
export function artifactAdapter({ db, sessions }: { db: Db; sessions: Sessions }): AdapterFactory {
  return (type) => {
    const usual = anyArtifact(db, type)
    if (type === REFRESH_TOKEN) return { ...usual, ...refreshTokens(db) }
    if (type === 'Grant') return { ...usual, ...grants(db, sessions) }
    if (type === BROWSER) return { ...usual, ...browsers(db, usual) }
    return usual
  }
}

function anyArtifact(db: Db, type: string): Adapter {
  return {
    upsert: (id, payload, expiresInSeconds) =>
      orTemporarilyUnavailable(() =>
        upsertArtifact(
          db,
          { type, id: hashed(id) },
          {
            payload: { ...payload, jti: undefined },
            expiresInSeconds: expiresInSeconds ?? null,
            grantId: grantIdOf(type, id, payload),
            uid: payload.uid ?? null,
            userCode: payload.userCode ?? null,
          },
        ),
      ),
    find: (id) =>
      orTemporarilyUnavailable(async () => {
        const payload = payloadOf(await findArtifact(db, type, 'id', hashed(id)))
        return payload && { ...payload, jti: id }
      }),
    // Asked for sessions alone, and only to see whether they are there and whose they are: never to save them.
    findByUid: (uid) => orTemporarilyUnavailable(async () => payloadOf(await findArtifact(db, type, 'uid', uid))),
    findByUserCode: (userCode) =>
      orTemporarilyUnavailable(async () => payloadOf(await findArtifact(db, type, 'userCode', userCode))),
    async consume(id) {
      const consumed = await orTemporarilyUnavailable(() => consumeArtifact(db, type, hashed(id)))
      // The library looks first and consumes later. Of two requests that both found it fresh, one must still lose.
      if (!consumed) throw new errors.InvalidGrant('consumed by another request at the same time')
    },
    destroy: (id) => orTemporarilyUnavailable(() => deleteArtifact(db, type, hashed(id))),
    // Always comes with the end of the grant itself, which takes all that came of it back at once.
    revokeByGrantId: async () => undefined,
  }
}

/** What is spent can be shown again for a while: see `findRefreshToken`. */
function refreshTokens(db: Db): Partial<Adapter> {
  return {
    upsert: (id, payload, expiresInSeconds) =>
      orTemporarilyUnavailable(async () => {
        const spent = spentRefreshToken()
        await insertRefreshToken(db, hashed(id), {
          payload: { ...payload, jti: undefined },
          expiresInSeconds: expiresInSeconds ?? lifetimes.RefreshToken,
          grantId: payload.grantId ?? null,
          predecessorId: spent === undefined ? null : hashed(spent),
        })
      }),
    find: (id) =>
      orTemporarilyUnavailable(async () => {
        const payload = payloadOf(await findRefreshToken(db, hashed(id), REFRESH_FORGIVENESS_SECONDS))
        return payload && { ...payload, jti: id }
      }),
    async consume(id) {
      const isThere = await orTemporarilyUnavailable(() => consumeRefreshToken(db, hashed(id)))
      if (!isThere) throw new errors.InvalidGrant('taken back by another request at the same time')
    },
    // It goes with its grant. Were it gone before, and the end of the grant failed, showing it again would tell nobody of it.
    destroy: async () => undefined,
  }
}

/** The end of a grant is the end of the session that began with it. */
function grants(db: Db, sessions: Sessions): Partial<Adapter> {
  return {
    find: (id) =>
      orTemporarilyUnavailable(async () => {
        const payload = payloadOf(await findGrant(db, id))
        return payload && { ...payload, jti: id }
      }),
    destroy: (id) =>
      orTemporarilyUnavailable(async () => {
        await sessions.end(id, endReason(), { actorId: Provider.ctx?.oidc.session?.accountId ?? null })
        // One that nobody has begun a session with yet.
        await deleteGrants(db, [id])
      }),
  }
}

/** What the request under way means for a grant that it ends. */
function endReason(): EndReason {
  const oidc = Provider.ctx?.oidc
  if (oidc?.route !== 'token') return 'signed_out'
  return oidc.params?.['grant_type'] === 'refresh_token' ? 'refresh_reused' : 'revoked'
}

/** By which a grant goes with all that came of it. What a person is just being asked knows of one, and stays. */
function grantIdOf(type: string, id: string, payload: AdapterPayload): string | null {
  if (type === 'Grant') return id
  return type === 'Interaction' ? null : (payload.grantId ?? null)
}

function payloadOf(artifact: Artifact | undefined): AdapterPayload | undefined {
  if (artifact === undefined) return undefined
  const { payload, consumedAt } = artifact
  return consumedAt === null ? payload : { ...payload, consumed: Math.floor(consumedAt.getTime() / 1_000) }
}
