import type { Handler } from '@parley/bus'
import { refuse, type auth } from '@parley/contracts'
import { displayNameOf } from '../domain/display-name.ts'
import type { Db } from '../store/tables.ts'
import { findUser, renameUser } from '../store/users.ts'

export const updateProfile =
  (db: Db): Handler<typeof auth.calls.updateProfile> =>
  async ({ actor, displayName }) => {
    const user =
      displayName === undefined
        ? await findUser(db, actor.userId)
        : await renameUser(db, actor.userId, displayNameOf(displayName))
    if (user === undefined) throw refuse.unauthenticated()
    return user
  }
