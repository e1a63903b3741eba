import type { OutboxTable } from '@parley/postgres'
import type { UploadState } from '@parley/protocol'
import type { ColumnType, Generated, Kysely } from 'kysely'

export interface UploadsTable {
  id: string
  conversationId: string
  uploadedBy: string
  /** As declared, like `type` and `size`. */
  name: string
  type: string
  size: number
  state: ColumnType<UploadState, never, UploadState>
  /** Which content is checked: the first that was there. */
  checkedEtag: ColumnType<string | null, never, string>
  rejectedReason: ColumnType<string | null, never, string>
  createdAt: Generated<Date>
  settledAt: ColumnType<Date | null, never, Date>
  /** Of which message it is a part. */
  messageId: ColumnType<string | null, never, string | null>
  /** Which attempts to send that message hold it. */
  attempts: ColumnType<string[], never, string[]>
}

export interface Tables {
  uploads: UploadsTable
  outbox: OutboxTable
}

export type Db = Kysely<Tables>
