import { must, type CallContext, type Callers } from '@parley/bus'
import { refuse, type auth } from '@parley/contracts'

/** Asks `auth`, whose users they are. */
export async function assertUsersExist(
  authCalls: Pick<Callers<typeof auth>, 'getUsers'>,
  userIds: readonly string[],
  within: CallContext,
): Promise<void> {
  const asked = [...new Set(userIds)]
  if (asked.length === 0) return
  const { users } = must(await authCalls.getUsers({ userIds: asked }, within))
  const existing = new Set(users.map(({ id }) => id))
  if (!asked.every((userId) => existing.has(userId))) throw refuse.user_not_found()
}
