import { errors, type Configuration } from 'oidc-provider'
import type { Sessions } from '../sessions/sessions.ts'
import { SERVICE_GRANT } from './service-account-grant.ts'
import { orTemporarilyUnavailable } from './temporarily-unavailable.ts'

/** What our access tokens say besides the usual: their session, which is used by that, or that a program has them. */
export function extraClaims(sessions: Sessions): NonNullable<Configuration['extraTokenClaims']> {
  return async (_ctx, token) => {
    if (token.kind !== 'AccessToken') return undefined
    if (token.gty === SERVICE_GRANT) return { service: true }
    const { grantId: sessionId } = token
    if (sessionId === '') return undefined
    const isOpen = await orTemporarilyUnavailable(() => sessions.use(sessionId))
    if (!isOpen) throw new errors.InvalidGrant('the session has ended')
    return { sid: sessionId }
  }
}
