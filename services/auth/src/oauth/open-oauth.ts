import type { User } from '@parley/protocol'
import { repeat, type Logger } from '@parley/runtime'
import type Provider from 'oidc-provider'
import { developmentClient, type OAuthClient } from '../domain/oauth-client.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Identity } from '../domain/identity.ts'
import { rotateSigningKeys } from '../jobs/rotate-signing-keys.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SignIn } from '../sign-in.ts'
import type { Db } from '../store/tables.ts'
import { findUser, hasIdentity } from '../store/users.ts'
import { findAccessToken, newAccessToken, type AccessTokenClaims } from './access-tokens.ts'
import { accountFinder } from './account.ts'
import { ACCESS_TOKEN_SCOPES } from './api-resource.ts'
import { artifactAdapter } from './artifact-adapter.ts'
import { createProvider } from './provider.ts'
import { SigningKeyStore } from './signing-keys.ts'

export interface OAuth extends AsyncDisposable {
  /** With the signing keys of now; an older one still serves what signs nothing. */
  readonly provider: Provider
  /** A token for the development client without its asking. */
  readonly issueAccessToken: (userId: string, options: { admin: boolean; sessionId: string }) => Promise<string>
  /** What one of our access tokens says, or undefined when it is not good, or not any more. */
  readonly findAccessToken: (accessToken: string) => Promise<AccessTokenClaims | undefined>
  /** Whose access token this is, or undefined when it is not good. */
  readonly findBearer: (accessToken: string) => Promise<User | undefined>
}

/** How soon all instances know a new key, and sign with one whose time has come. */
const READ_KEYS_EVERY_MS = 2_000
const ROTATE_KEYS_EVERY_MS = 10 * 60_000

/** The provider with its keys, its store and the users. */
export async function openOAuth(options: {
  db: Db
  issuer: string
  secret: string
  clients: readonly OAuthClient[]
  admins: readonly Identity[]
  signingKeyDays: number
  sessions: Sessions
  signIn: SignIn
  audit: AuditLog
  log: Logger
}): Promise<OAuth> {
  await using stack = new AsyncDisposableStack()
  const { db, issuer, secret, sessions, log } = options
  const parts = {
    ...options,
    adapter: artifactAdapter({ db, sessions }),
    findAccount: accountFinder((userId) => findUser(db, userId)),
    isAdmin: (userId: string) => hasIdentity(db, userId, options.admins),
  }

  const store = new SigningKeyStore(db, secret, options.audit)
  const rotate = () => rotateSigningKeys({ db, keys: store, afterDays: options.signingKeyDays, log })
  await rotate()
  let keys = await store.read()
  let provider = await createProvider({ ...parts, keys })
  stack.use(repeat('rotate-signing-keys', { everyMs: ROTATE_KEYS_EVERY_MS, log }, rotate))
  stack.use(
    repeat('read-signing-keys', { everyMs: READ_KEYS_EVERY_MS, log }, async () => {
      const read = await store.read(keys)
      if (read === keys) return
      provider = await createProvider({ ...parts, keys: read })
      keys = read
      log.info({ keyId: keys.jwks[0]?.kid, published: keys.jwks.length }, 'signing keys changed')
    }),
  )

  const findToken = (token: string) => findAccessToken(token, { issuer, keys, db })
  const started = stack.move()
  return {
    get provider() {
      return provider
    },
    async issueAccessToken(accountId, { admin, sessionId }) {
      const { client_id: id } = developmentClient
      const client = await provider.Client.find(id)
      if (client === undefined) throw new Error(`there is no client ${id}`)
      const scope = [...ACCESS_TOKEN_SCOPES, ...(admin ? ['admin'] : [])].join(' ')
      return await newAccessToken(provider, { client, accountId, scope, gty: 'development', sessionId }).save()
    },
    findAccessToken: findToken,
    async findBearer(token) {
      const claims = await findToken(token)
      return claims && (await findUser(db, claims.sub))
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
