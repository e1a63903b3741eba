import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { sql } from 'kysely'
import type { Change } from '../domain/change.ts'
import { filesRemoved } from './files-removed.ts'
import { keepIfHeld } from './held-messages.ts'
import type { Db, Tables } from './tables.ts'

/** Messages of a conversation whose files have expired: from a sequence on, and before another. */
export interface FileSpan {
  readonly conversationId: string
  readonly from: number
  readonly to: number
}

const SEQUENCES_AT_ONCE = 2_000
const MESSAGES_AT_ONCE = 200

export interface FilesExpired {
  /** Where the rest begins; null: there is none. */
  readonly next: number | null
  readonly files: number
  readonly held: number
  readonly told: OutboxRow<Change> | undefined
}

/** Tells of some of the files that they are gone; what a hold covers is copied instead. The messages stay. */
export async function expireFiles(db: Db, { conversationId, from, to }: FileSpan): Promise<FilesExpired> {
  return db.transaction().execute(async (transaction) => {
    const until = Math.min(to, from + SEQUENCES_AT_ONCE)
    const messages = await transaction
      .selectFrom('messages')
      .selectAll()
      .where('conversationId', '=', conversationId)
      .where('sequence', '>=', from)
      .where('sequence', '<', until)
      .where(sql<boolean>`attachments <> '[]'`)
      .orderBy('sequence')
      .limit(MESSAGES_AT_ONCE)
      .execute()
    const held = await keepIfHeld(transaction, messages, 'expired')
    const changes = messages.filter(({ id }) => !held.has(id)).flatMap(filesRemoved)
    const files = changes.reduce((sum, { uploadIds }) => sum + uploadIds.length, 0)
    const told = changes.length === 0 ? undefined : await writeOutbox<Change, Tables>(transaction, changes)
    const last = messages.at(-1)
    const next = messages.length < MESSAGES_AT_ONCE || last === undefined ? until : last.sequence + 1
    return { next: next < to ? next : null, files, held: held.size, told }
  })
}
