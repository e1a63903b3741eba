import { insertAuditEntries } from '../store/audit-entries.ts'
import type { Db } from '../store/tables.ts'
import type { AuditLog } from './audit-log.ts'

export function openAuditLog(db: Db): AuditLog {
  return {
    record: (entry, transaction) => insertAuditEntries(transaction ?? db, [entry]),
    recordAll: (entries, transaction) => insertAuditEntries(transaction ?? db, entries),
  }
}
