import type { OutboxTable } from '@parley/postgres'
import type { RejectedReason, UploadState } from '@parley/protocol'
import type { ColumnType, Kysely, Selectable } from 'kysely'

/** Null until it is set. */
type Later<T> = ColumnType<T | null, never, T | null>

export interface UploadsTable {
  id: string
  /** Null for an avatar. */
  conversationId: string | null
  /** Null for the avatar of a conversation whose uploader was erased. */
  uploadedBy: ColumnType<string | null, string, string | null>
  /** As declared; empty once it is deleted. */
  name: string
  /** As declared, until they become those of the checked file. */
  type: ColumnType<string, string, string>
  size: ColumnType<number, number, number>
  state: ColumnType<UploadState, never, UploadState>
  /** Which content is checked: the first that was there. */
  checkedEtag: Later<string>
  rejectedReason: Later<RejectedReason>
  createdAt: ColumnType<Date, never, Date>
  settledAt: Later<Date>
  /** Of which message it is a part. */
  messageId: Later<string>
  /** Which attempts to send that message hold it. */
  attempts: ColumnType<string[], never, string[]>
  width: Later<number>
  height: Later<number>
  blurhash: Later<string>
  durationMs: Later<number>
  pages: Later<number>
  /** Of a file that comes in parts: what S3 calls their gathering. */
  multipartId: Later<string>
  /** How large each of them is but the last. */
  partBytes: Later<number>
  checkAttempts: ColumnType<number, never, number>
  /** When a check that is due, or that has not ended in time, may begin. */
  checkAt: Later<Date>
  /** `user:<id>` or `conversation:<id>`. */
  avatarOf: Later<string>
  /** When it became a part of a message or an avatar. */
  usedAt: Later<Date>
  /** When the message, or the owner of the avatar, was last asked and knew it. */
  verifiedAt: Later<Date>
  deletedAt: Later<Date>
  /** When its objects are to be removed; at once, if it is not set. */
  removeAt: Later<Date>
  /** Until when nobody else removes them: somebody is at it, or has just failed. */
  removalHeldUntil: Later<Date>
  /** When nothing of it was left in the bucket. */
  removedAt: Later<Date>
  /** Since when its object is known not to be there. */
  missingSince: Later<Date>
}

/** Who reserves nothing any more. */
export interface ErasedUsersTable {
  userId: string
  erasedAt: ColumnType<Date, never, never>
}

export interface ReconciliationsTable {
  id: string
  startedAt: ColumnType<Date, never, Date>
  /** When it last said that it is running. */
  heardAt: ColumnType<Date, never, Date>
  finishedAt: Later<Date>
  outcome: ColumnType<
    'running' | 'finished' | 'failed' | 'too_many_unknown',
    never,
    'finished' | 'failed' | 'too_many_unknown'
  >
  objects: ColumnType<number, never, number>
  uploads: ColumnType<number, never, number>
  unknownObjects: ColumnType<number, never, number>
  removedObjects: ColumnType<number, never, number>
  missingObjects: ColumnType<number, never, number>
  missingUploadIds: ColumnType<string[], never, string[]>
}

export interface Tables {
  uploads: UploadsTable
  erasedUsers: ErasedUsersTable
  reconciliations: ReconciliationsTable
  outbox: OutboxTable
}

export type Db = Kysely<Tables>
export type UploadRow = Selectable<UploadsTable>
