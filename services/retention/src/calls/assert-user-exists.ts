import { must, type CallContext, type Callers } from '@parley/bus'
import { refuse, type auth } from '@parley/contracts'

export async function assertUserExists(
  calls: Pick<Callers<typeof auth>, 'getUsers'>,
  userId: string,
  within: CallContext,
): Promise<void> {
  const { users } = must(await calls.getUsers({ userIds: [userId] }, within))
  if (users.length === 0) throw refuse.user_not_found()
}
