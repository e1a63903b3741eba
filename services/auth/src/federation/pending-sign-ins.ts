import { hashed } from '../oauth/hashed.ts'
import { consumeArtifact, findArtifact, upsertArtifact } from '../store/oauth-artifacts.ts'
import type { Db } from '../store/tables.ts'
import type { Proof } from './upstream-client.ts'

/** A browser that was sent to an upstream. */
export interface PendingSignIn extends Proof {
  /** The provider's own sign-in that it is for, whose cookie the browser has. */
  readonly interactionId: string
  readonly upstreamId: string
}

/** How long someone may take there. */
const PENDING_SECONDS = 10 * 60

/** Beside what the OAuth library keeps of its sign-ins, and removed with it when it has expired. */
const TYPE = 'UpstreamSignIn'

export async function addPendingSignIn(db: Db, { state, ...pending }: PendingSignIn): Promise<void> {
  await upsertArtifact(
    db,
    { type: TYPE, id: hashed(state) },
    {
      payload: { ...pending, expiresAtMs: Date.now() + PENDING_SECONDS * 1_000 },
      expiresInSeconds: PENDING_SECONDS,
      grantId: null,
      uid: null,
      userCode: null,
    },
  )
}

/** Each is taken once: of several browsers with the same answer, one gets it. */
export async function takePendingSignIn(db: Db, state: string): Promise<PendingSignIn | undefined> {
  const id = hashed(state)
  if (!(await consumeArtifact(db, TYPE, id))) return undefined
  const { expiresAtMs, ...pending } = (await findArtifact(db, TYPE, 'id', id))?.payload ?? {}
  if (typeof expiresAtMs !== 'number' || expiresAtMs < Date.now()) return undefined
  return { ...(pending as Omit<PendingSignIn, 'state'>), state }
}
