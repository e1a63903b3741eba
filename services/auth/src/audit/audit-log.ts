import type { DbTransaction } from '../store/tables.ts'

/** What was done about who may do what. Entries are added and read, never changed. */
export interface AuditLog {
  /** In a transaction of its own, or in the one in which it happens. Details never carry a secret. */
  record(entry: NewAuditEntry, transaction?: DbTransaction): Promise<void>
  /** The same for several at once. */
  recordAll(entries: readonly NewAuditEntry[], transaction?: DbTransaction): Promise<void>
}

export interface NewAuditEntry {
  /** In the past tense: `signed-in`, `refresh-reused`, `session-ended`, `role-changed`. */
  readonly action: string
  /** Who did it; null where nobody is known. */
  readonly actorId: string | null
  /** Whom it was done to. */
  readonly userId: string | null
  readonly details?: Readonly<Record<string, string | number | boolean | null>>
  /** Of several entries that name the same, the first one is kept: for what may be told more than once. */
  readonly onceAs?: string
}
