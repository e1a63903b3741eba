import type { User } from '@parley/protocol'
import type { Selectable } from 'kysely'
import type { Profile } from '../domain/foreign-profile.ts'
import type { Identity } from '../domain/identity.ts'
import { laterBeginnings, searchedName } from '../domain/searched-name.ts'
import type { Db, DbTransaction, UsersTable } from './tables.ts'

export const columns = ['users.id', 'users.displayName', 'users.avatarUrl', 'users.createdAt'] as const

/** Somebody who can be signed in: not one who is erased. */
export async function findUser(db: Db, userId: string): Promise<User | undefined> {
  const row = await db
    .selectFrom('users')
    .select(columns)
    .where('id', '=', userId)
    .where('erasedAt', 'is', null)
    .executeTakeFirst()
  return row && userOf(row)
}

export async function findUserByIdentity(db: Db, identity: Identity): Promise<User | undefined> {
  const row = await db
    .selectFrom('identities')
    .innerJoin('users', 'users.id', 'identities.userId')
    .select(columns)
    .where('identities.issuer', '=', identity.issuer)
    .where('identities.subject', '=', identity.subject)
    .executeTakeFirst()
  return row && userOf(row)
}

/** Whether the user is known by one of these. */
export async function hasIdentity(db: Db, userId: string, identities: readonly Identity[]): Promise<boolean> {
  if (identities.length === 0) return false
  const row = await db
    .selectFrom('identities')
    .select('userId')
    .where('userId', '=', userId)
    .where((eb) =>
      eb.or(identities.map(({ issuer, subject }) => eb.and([eb('issuer', '=', issuer), eb('subject', '=', subject)]))),
    )
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Those who are erased, too, as whom nobody knows: what they have said is still there. */
export async function listUsers(db: Db, userIds: readonly string[]): Promise<User[]> {
  const rows = await db.selectFrom('users').select(columns).where('id', 'in', userIds).execute()
  return rows.map(userOf)
}

/** Runs into `identities_pkey` when the identity has a user already. */
export async function insertUser(transaction: DbTransaction, identity: Identity, profile: Profile): Promise<User> {
  const row = await transaction
    .insertInto('users')
    .values({ ...named(profile.displayName), avatarUrl: profile.avatarUrl })
    .returning(columns)
    .executeTakeFirstOrThrow()
  await transaction
    .insertInto('identities')
    .values({ ...identity, userId: row.id })
    .execute()
  await insertLaterBeginnings(transaction, row.id, profile.displayName)
  return userOf(row)
}

/** What is not named stays. */
export async function updateUser(
  db: Db,
  userId: string,
  changes: { displayName?: string | undefined; avatarUrl?: string | null | undefined },
): Promise<User | undefined> {
  const { displayName, avatarUrl } = changes
  return await db.transaction().execute(async (transaction) => {
    const row = await transaction
      .updateTable('users')
      .set({ ...(displayName !== undefined && named(displayName)), ...(avatarUrl !== undefined && { avatarUrl }) })
      .where('id', '=', userId)
      .where('erasedAt', 'is', null)
      .returning(columns)
      .executeTakeFirst()
    if (row !== undefined && displayName !== undefined) {
      await transaction.deleteFrom('laterBeginnings').where('userId', '=', userId).execute()
      await insertLaterBeginnings(transaction, userId, displayName)
    }
    return row && userOf(row)
  })
}

async function insertLaterBeginnings(transaction: DbTransaction, userId: string, displayName: string): Promise<void> {
  const rows = laterBeginnings(searchedName(displayName)).map((beginning) => ({ beginning, userId }))
  if (rows.length > 0) await transaction.insertInto('laterBeginnings').values(rows).execute()
}

const named = (displayName: string) => ({
  displayName: displayName.normalize('NFC'),
  foldedName: searchedName(displayName),
})

export function userOf(row: Pick<Selectable<UsersTable>, 'id' | 'displayName' | 'avatarUrl' | 'createdAt'>): User {
  const { id, displayName, avatarUrl, createdAt } = row
  return { id, displayName, avatarUrl, createdAt: createdAt.toISOString() }
}
