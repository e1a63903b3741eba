import type { OutboxTable } from '@parley/postgres'
import type { ColumnType, Generated, Kysely, Transaction } from 'kysely'

export type Db = Kysely<Tables>
export type DbTransaction = Transaction<Tables>

export interface Tables {
  users: UsersTable
  identities: IdentitiesTable
  oauthArtifacts: OauthArtifactsTable
  signingKeys: SigningKeysTable
  outbox: OutboxTable
}

export interface UsersTable {
  id: Generated<string>
  displayName: string
  /** `foldedName` of the display name. */
  foldedName: string
  avatarUrl: string | null
  createdAt: Generated<Date>
}

export interface IdentitiesTable {
  issuer: string
  subject: string
  userId: string
  createdAt: Generated<Date>
}

/** What the OAuth library keeps: sessions, interactions, grants, codes, refresh tokens. */
export interface OauthArtifactsTable {
  type: string
  id: string
  payload: ColumnType<Record<string, unknown>, string, string>
  expiresAt: Date | null
  consumedAt: Date | null
  grantId: string | null
  uid: string | null
  userCode: string | null
}

export interface SigningKeysTable {
  id: string
  sealedPrivateKey: Buffer
  createdAt: Generated<Date>
}
