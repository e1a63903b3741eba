import type { User } from '@parley/protocol'
import type { Logger } from '@parley/runtime'
import type Provider from 'oidc-provider'
import { developmentClient, type OAuthClient } from '../domain/oauth-client.ts'
import type { Db } from '../store/tables.ts'
import { findUser } from '../store/users.ts'
import { issueAccessToken, userIdOfAccessToken } from './access-tokens.ts'
import { accountFinder } from './account.ts'
import { artifactAdapter } from './artifact-adapter.ts'
import { createProvider } from './provider.ts'
import { openSigningKeys } from './signing-keys.ts'

export interface OAuth {
  readonly provider: Provider
  /** A token for the development client without its asking. */
  readonly issueAccessToken: (userId: string, options: { admin: boolean }) => Promise<string>
  /** Whose access token this is, or undefined when it is not good. */
  readonly findBearer: (accessToken: string) => Promise<User | undefined>
}

/** The provider with its keys, its store and the users. */
export async function openOAuth(options: {
  db: Db
  issuer: string
  secret: string
  clients: readonly OAuthClient[]
  log: Logger
}): Promise<OAuth> {
  const { db, issuer, secret } = options
  const keys = await openSigningKeys(db, secret)
  const provider = await createProvider({
    ...options,
    keys,
    adapter: artifactAdapter(db),
    findAccount: accountFinder((userId) => findUser(db, userId)),
  })
  return {
    provider,
    issueAccessToken: (userId, { admin }) =>
      issueAccessToken(provider, { clientId: developmentClient.client_id, userId, admin }),
    async findBearer(accessToken) {
      const userId = userIdOfAccessToken(accessToken, { issuer, keys })
      return userId === undefined ? undefined : await findUser(db, userId)
    },
  }
}
