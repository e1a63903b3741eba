import { recordOf, type EventRecord } from '@parley/bus'
import { auth } from '@parley/contracts'
import { violatedConstraint, writeOutbox, type Outbox } from '@parley/postgres'
import type { User } from '@parley/protocol'
import type { Identity } from './domain/identity.ts'
import type { Db } from './store/tables.ts'
import { findUserByIdentity, insertUser } from './store/users.ts'

/** The user of an identity, made with this name when it is seen for the first time. */
export type SignIn = (identity: Identity, displayName: string) => Promise<User>

export function createSignIn(db: Db, outbox: Outbox<EventRecord>): SignIn {
  return async (identity, displayName) => {
    const known = await findUserByIdentity(db, identity)
    if (known !== undefined) return known
    try {
      return await makeUser(identity, displayName)
    } catch (error) {
      if (violatedConstraint(error) !== 'identities_pkey') throw error
      // Another sign-in of the same identity was faster; its user is there now.
      const made = await findUserByIdentity(db, identity)
      if (made === undefined) throw error
      return made
    }
  }

  async function makeUser(identity: Identity, displayName: string): Promise<User> {
    const { user, row } = await db.transaction().execute(async (transaction) => {
      const user = await insertUser(transaction, identity, displayName)
      const row = await writeOutbox(transaction, [recordOf(auth.events.userCreated, {}, { user })])
      return { user, row }
    })
    await outbox.send([row])
    return user
  }
}
