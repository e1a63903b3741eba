import type { Handler } from '@parley/bus'
import { refuse, type auth } from '@parley/contracts'
import type { Db } from '../store/tables.ts'
import { searchUsers } from '../store/user-search.ts'
import { findUser } from '../store/users.ts'

const MAX_USERS = 20

export const findUsers =
  (db: Db): Handler<typeof auth.calls.findUsers> =>
  async ({ actor, query }) => {
    const [me, users] = await Promise.all([findUser(db, actor.userId), searchUsers(db, query, MAX_USERS)])
    if (me === undefined) throw refuse.unauthenticated()
    return { users }
  }
