import { hash } from 'node:crypto'
import { errors, type AdapterFactory, type AdapterPayload } from 'oidc-provider'
import {
  consumeArtifact,
  deleteArtifact,
  deleteArtifactsOfGrant,
  findArtifact,
  upsertArtifact,
  type Artifact,
} from '../store/oauth-artifacts.ts'
import type { Db } from '../store/tables.ts'
import { orTemporarilyUnavailable } from './temporarily-unavailable.ts'

/**
 * The store of the OAuth library, shared by all instances. An id is the very value that its bearer shows (a code, a refresh
 * token, a session's cookie): the table has its hash only, so that reading it signs nobody in.
 */
export function artifactAdapter(db: Db): AdapterFactory {
  return (type) => ({
    upsert: (id, payload, expiresInSeconds) =>
      orTemporarilyUnavailable(() =>
        upsertArtifact(
          db,
          { type, id: hashed(id) },
          {
            payload: { ...payload, jti: undefined },
            expiresInSeconds: expiresInSeconds ?? null,
            grantId: payload.grantId ?? null,
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
    revokeByGrantId: (grantId) => orTemporarilyUnavailable(() => deleteArtifactsOfGrant(db, type, grantId)),
  })
}

const hashed = (id: string): string => hash('sha256', id, 'base64url')

function payloadOf(artifact: Artifact | undefined): AdapterPayload | undefined {
  if (artifact === undefined) return undefined
  const { payload, consumedAt } = artifact
  return consumedAt === null ? payload : { ...payload, consumed: Math.floor(consumedAt.getTime() / 1_000) }
}
