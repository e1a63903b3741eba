import type { User } from '@parley/protocol'
import type { AccountClaims, FindAccount } from 'oidc-provider'
import { orTemporarilyUnavailable } from './temporarily-unavailable.ts'

/** Users as the provider knows them: by id. */
export function accountFinder(findUser: (userId: string) => Promise<User | undefined>): FindAccount {
  return async (_ctx, userId) => {
    const user = await orTemporarilyUnavailable(() => findUser(userId))
    return user && { accountId: user.id, claims: () => claimsOf(user) }
  }
}

/** A user in the words of OpenID Connect. */
export const claimsOf = (user: User): AccountClaims => ({
  sub: user.id,
  name: user.displayName,
  ...(user.avatarUrl === null ? {} : { picture: user.avatarUrl }),
})
