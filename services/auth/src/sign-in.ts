import { recordOf, type EventRecord } from '@parley/bus'
import { auth } from '@parley/contracts'
import { violatedConstraint, writeOutbox, type Outbox } from '@parley/postgres'
import type { User } from '@parley/protocol'
import type { Profile } from './domain/foreign-profile.ts'
import type { Identity } from './domain/identity.ts'
import type { Db } from './store/tables.ts'
import { findUserByIdentity, insertUser } from './store/users.ts'

/** The user of an identity, made with this profile when it is seen for the first time: only then is the profile asked for. */
export type SignIn = (identity: Identity, describe: () => Profile | Promise<Profile>) => Promise<User>

export function createSignIn(db: Db, outbox: Outbox<EventRecord>): SignIn {
  return async (identity, describe) => {
    const known = await findUserByIdentity(db, identity)
    if (known !== undefined) return known
    const profile = await describe()
    try {
      return await makeUser(identity, profile)
    } catch (error) {
      if (violatedConstraint(error) !== 'identities_pkey') throw error
      // Another sign-in of the same identity was faster; its user is there now.
      const made = await findUserByIdentity(db, identity)
      if (made === undefined) throw error
      return made
    }
  }

  async function makeUser(identity: Identity, profile: Profile): Promise<User> {
    const { user, row } = await db.transaction().execute(async (transaction) => {
      const user = await insertUser(transaction, identity, profile)
      const row = await writeOutbox(transaction, [recordOf(auth.events.userCreated, {}, { user })])
      return { user, row }
    })
    await outbox.send([row])
    return user
  }
}
