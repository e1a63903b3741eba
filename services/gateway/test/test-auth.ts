import { randomUUID } from 'node:crypto'
import { notify, serve, type Bus } from '@parley/bus'
import { auth, type RequestOf, type Revocation, type RevocationNotice } from '@parley/contracts'

/** Stands in for `auth`, as far as gateways hear of revocations from it. */
export interface TestAuth extends AsyncDisposable {
  /** Revokes a session, a token, or what of a user names no session; `tell` says whether gateways hear of it at once. */
  revoke(what: Pick<Revocation, 'userId' | 'sessionId' | 'tokenId'>, options?: { tell?: boolean }): void
  /** Says how far revocations have come, as auth does every second. */
  repeatPosition(): void
  /** The bearers of external tokens about whom it was asked, in the order of asking. */
  readonly recognized: RequestOf<(typeof auth)['calls']['recognizeUser']>[]
  /** While true, nothing is answered. */
  isAway: boolean
}

const KEPT_MS = 60_000
const PAGE = 2

export async function startTestAuth(bus: Bus, { isAway = false } = {}): Promise<TestAuth> {
  const revocations: Revocation[] = []
  const users = new Map<string, string>()
  const recognized: TestAuth['recognized'] = []

  function say(told: Revocation[]): void {
    const said: RevocationNotice = { position: revocations.length, revocations: told }
    notify(bus, auth.notices.revoked, {}, new TextEncoder().encode(JSON.stringify(said)))
  }

  const serving = await serve(bus, auth, {
    async listRevocations({ after }) {
      if (it.isAway) throw new Error('auth is away')
      const listed = revocations.slice(after, after + PAGE)
      const position = listed.at(-1)?.position ?? revocations.length
      return { revocations: listed, position, hasMore: position < revocations.length }
    },
    async recognizeUser(bearer) {
      if (it.isAway) throw new Error('auth is away')
      recognized.push(bearer)
      const { issuer, subject, session } = bearer
      const key = `${issuer} ${subject}`
      users.set(key, users.get(key) ?? randomUUID())
      return { userId: users.get(key)!, sessionId: session === null ? null : `${issuer} ${session}` }
    },
  })
  const it: TestAuth = {
    recognized,
    isAway,
    revoke(what, { tell = true } = {}) {
      const at = new Date()
      const forgottenAt = new Date(at.getTime() + KEPT_MS).toISOString()
      const revocation = { ...what, position: revocations.length + 1, at: at.toISOString(), forgottenAt }
      revocations.push(revocation)
      if (tell) say([revocation])
    },
    repeatPosition: () => say([]),
    [Symbol.asyncDispose]: () => serving[Symbol.asyncDispose](),
  }
  return it
}
