import { randomUUID } from 'node:crypto'
import type { Handler } from '@parley/bus'
import type { auth } from '@parley/contracts'
import type { AuditLog } from '../audit/audit-log.ts'
import { displayNameOf } from '../domain/display-name.ts'
import { developmentIdentity } from '../domain/identity.ts'
import { developmentClient } from '../domain/oauth-client.ts'
import type { OAuth } from '../oauth/open-oauth.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SignIn } from '../sign-in.ts'

/** Each time a session of its own. */
export function signInForDevelopment(options: {
  signIn: SignIn
  sessions: Sessions
  audit: AuditLog
  issueAccessToken: OAuth['issueAccessToken']
}): Handler<typeof auth.calls.signInForDevelopment> {
  const { signIn, sessions, audit, issueAccessToken } = options
  return async ({ name, admin }) => {
    const displayName = displayNameOf(name)
    const user = await signIn(developmentIdentity(displayName), () => ({ displayName, avatarUrl: null }))
    const { id: userId } = user
    const sessionId = randomUUID()
    const client = developmentClient.client_id
    await audit.record({ action: 'signed-in', actorId: userId, userId, details: { upstream: null, client } })
    const session = { id: sessionId, userId, client, name: 'Development', browserId: null }
    if (!(await sessions.begin(session))) throw new Error('the user was erased while they signed in')
    return { accessToken: await issueAccessToken(userId, { admin, sessionId }), user }
  }
}
