import type { Logger } from '@parley/runtime'
import { Router } from 'express'
import { isServiceAccount, type OAuthClient } from '../domain/oauth-client.ts'
import type { OAuth } from '../oauth/open-oauth.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Db } from '../store/tables.ts'
import { findUser } from '../store/users.ts'
import { consentRoutes } from './consent.ts'
import { introspectionRoutes } from './introspection.ts'
import { revocationRoutes } from './revocation.ts'
import { userinfoRoutes } from './userinfo.ts'

/** What belongs to the provider and is not the library's. */
export function oauthRoutes(options: {
  db: Db
  oauth: OAuth
  sessions: Sessions
  clients: readonly OAuthClient[]
  log: Logger
}): Router {
  const { db, oauth, sessions, clients, log } = options
  const admins = new Set(
    clients
      .filter(isServiceAccount)
      .filter(({ scopes }) => scopes.includes('admin'))
      .map(({ client_id: id }) => id),
  )
  const { findAccessToken, findBearer } = oauth
  const provider = () => oauth.provider
  const nameOf = async (userId: string) => (await findUser(db, userId))?.displayName
  return Router()
    .use(userinfoRoutes(findBearer))
    .use(revocationRoutes({ provider, findAccessToken, sessions, log }))
    .use(introspectionRoutes({ provider, findAccessToken, mayAskForAny: (id) => admins.has(id), log }))
    .use(consentRoutes({ provider, nameOf, log }))
}
