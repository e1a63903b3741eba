import type { User } from '@parley/protocol'
import type { Selectable } from 'kysely'
import { foldedName } from '../domain/folded-name.ts'
import type { Identity } from '../domain/identity.ts'
import type { Db, DbTransaction, UsersTable } from './tables.ts'

const columns = ['users.id', 'users.displayName', 'users.avatarUrl', 'users.createdAt'] as const

export async function findUser(db: Db, userId: string): Promise<User | undefined> {
  const row = await db.selectFrom('users').select(columns).where('id', '=', userId).executeTakeFirst()
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

export async function listUsers(db: Db, userIds: readonly string[]): Promise<User[]> {
  const rows = await db.selectFrom('users').select(columns).where('id', 'in', userIds).execute()
  return rows.map(userOf)
}

/** By name; users of the same name in an order that stays. */
export async function listUsersByPrefix(db: Db, prefix: string, limit: number): Promise<User[]> {
  const rows = await db
    .selectFrom('users')
    .select(columns)
    .where('foldedName', 'like', `${foldedName(prefix).replaceAll(/[\\%_]/g, '\\$&')}%`)
    .orderBy('foldedName')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(userOf)
}

/** Runs into `identities_pkey` when the identity has a user already. */
export async function insertUser(transaction: DbTransaction, identity: Identity, displayName: string): Promise<User> {
  const row = await transaction
    .insertInto('users')
    .values({ ...named(displayName), avatarUrl: null })
    .returning(columns)
    .executeTakeFirstOrThrow()
  await transaction
    .insertInto('identities')
    .values({ ...identity, userId: row.id })
    .execute()
  return userOf(row)
}

export async function renameUser(db: Db, userId: string, displayName: string): Promise<User | undefined> {
  const row = await db
    .updateTable('users')
    .set(named(displayName))
    .where('id', '=', userId)
    .returning(columns)
    .executeTakeFirst()
  return row && userOf(row)
}

const named = (displayName: string) => ({
  displayName: displayName.normalize('NFC'),
  foldedName: foldedName(displayName),
})

function userOf(row: Pick<Selectable<UsersTable>, 'id' | 'displayName' | 'avatarUrl' | 'createdAt'>): User {
  const { id, displayName, avatarUrl, createdAt } = row
  return { id, displayName, avatarUrl, createdAt: createdAt.toISOString() }
}
