import type { OutboxTable } from '@parley/postgres'
import type { ColumnType, Generated, Kysely, Transaction } from 'kysely'

export type Db = Kysely<Tables>
export type DbTransaction = Transaction<Tables>

export interface Tables {
  users: UsersTable
  laterBeginnings: LaterBeginningsTable
  identities: IdentitiesTable
  oauthArtifacts: OauthArtifactsTable
  signingKeys: SigningKeysTable
  sessions: SessionsTable
  revocations: RevocationsTable
  revocationCounter: RevocationCounterTable
  auditEntries: AuditEntriesTable
  outbox: OutboxTable
}

export interface UsersTable {
  id: Generated<string>
  displayName: string
  /** `searchedName` of the display name. */
  foldedName: string
  avatarUrl: string | null
  createdAt: Generated<Date>
  /** Since then nothing names the user any more. */
  erasedAt: Generated<Date | null>
}

/** What users are found by besides their whole name: `laterBeginnings` of it. */
export interface LaterBeginningsTable {
  beginning: string
  userId: string
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
  /** When it takes the place of the one before. */
  signsFrom: Date
}

/** Users signed in to an app, also those whose session has ended lately. */
export interface SessionsTable {
  id: string
  userId: string
  client: string
  external: boolean
  name: string | null
  createdAt: Generated<Date>
  lastUsedAt: Generated<Date>
  endedAt: Date | null
  endReason: string | null
}

/** What gateways must refuse, though it has not expired. */
export interface RevocationsTable {
  position: number
  userId: string
  sessionId: string | null
  tokenId: string | null
  at: Date
  forgottenAt: Date
}

export interface RevocationCounterTable {
  id: Generated<boolean>
  position: number
}

export interface AuditEntriesTable {
  id: Generated<number>
  at: Generated<Date>
  action: string
  actorId: string | null
  userId: string | null
  details: ColumnType<Record<string, string | number | boolean | null>, string, never>
  onceAs: string | null
}
