import type { Configuration } from 'oidc-provider'
import { SERVICE_GRANT } from './service-account-grant.ts'
import { orTemporarilyUnavailable } from './temporarily-unavailable.ts'

type Customize = NonNullable<NonNullable<NonNullable<Configuration['formats']>['customizers']>['jwt']>

/**
 * Adds `admin` to the access tokens of administrators: looked up for each token, and only for Parley's own apps. No client asks
 * for it, and so none can get it for anybody else.
 */
export function adminScope(options: {
  isFirstParty: (clientId: string) => boolean
  isAdmin: (userId: string) => Promise<boolean>
}): Customize {
  return async (_ctx, token, { payload }) => {
    if (!('accountId' in token) || token.gty === SERVICE_GRANT) return
    const { accountId, clientId } = token
    if (clientId === undefined || !options.isFirstParty(clientId)) return
    if (!(await orTemporarilyUnavailable(() => options.isAdmin(accountId)))) return
    // The answer to the client says what the token says.
    token.scope = [...new Set([...(token.scope ?? '').split(' '), 'admin'])].join(' ')
    payload['scope'] = token.scope
  }
}
