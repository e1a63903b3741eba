import type { Handler } from '@parley/bus'
import { refuse, type auth } from '@parley/contracts'
import type { Db } from '../store/tables.ts'
import { findUser } from '../store/users.ts'

export const getMe =
  (db: Db): Handler<typeof auth.calls.getMe> =>
  async ({ actor }) => {
    const user = await findUser(db, actor.userId)
    if (user === undefined) throw refuse.unauthenticated()
    return user
  }
