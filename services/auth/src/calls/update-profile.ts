import type { Handler } from '@parley/bus'
import { refuse, type auth } from '@parley/contracts'
import { displayNameOf } from '../domain/display-name.ts'
import type { Db } from '../store/tables.ts'
import { findUser, updateUser } from '../store/users.ts'

export const updateProfile =
  (db: Db): Handler<typeof auth.calls.updateProfile> =>
  async ({ actor, displayName, avatarUrl }) => {
    const name = displayName === undefined ? undefined : displayNameOf(displayName)
    const nothing = name === undefined && avatarUrl === undefined
    const user = nothing
      ? await findUser(db, actor.userId)
      : await updateUser(db, actor.userId, { displayName: name, avatarUrl })
    if (user === undefined) throw refuse.unauthenticated()
    return user
  }
