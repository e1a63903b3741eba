import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { sql, type Transaction } from 'kysely'
import type { Change } from '../domain/change.ts'
import { filesRemoved } from './files-removed.ts'
import { keepIfHeld } from './held-messages.ts'
import { ofAllMonths, type MessageTables } from './message-tables.ts'
import type { MessageRow, Tables } from './tables.ts'

export interface Destroyed {
  readonly messages: number
  readonly edits: number
  readonly reactions: number
  readonly mentions: number
  /** Of the messages, those that were copied for a hold. */
  readonly held: number
  /** Of which others are told that they are gone. */
  readonly files: number
  readonly told: OutboxRow<Change> | undefined
}

/**
 * Deletes messages that have expired, which the transaction has locked, with all that belongs to them; what a hold covers is
 * copied before. Files that have expired earlier are told to be gone already.
 */
export async function destroyMessages(
  transaction: Transaction<Tables>,
  messages: readonly MessageRow[],
  options: { tables?: MessageTables; isFileGone?: (message: MessageRow) => boolean } = {},
): Promise<Destroyed> {
  if (messages.length === 0) return nothing
  const { tables = ofAllMonths, isFileGone = () => false } = options
  const held = await keepIfHeld(transaction, messages, 'expired', tables)
  const ids = messages.map(({ id }) => id)
  const remove = async (table: string, column: string): Promise<number> => {
    const query = sql`delete from ${sql.table(table)} where ${sql.ref(column)} = any(${ids}::uuid[])`
    return Number((await query.execute(transaction)).numAffectedRows ?? 0)
  }
  const removed = {
    messages: await remove(tables.messages, 'id'),
    edits: await remove(tables.edits, 'message_id'),
    reactions: await remove(tables.reactions, 'message_id'),
    mentions: await remove('unread_mentions', 'message_id'),
  }
  const changes = messages.filter((message) => !held.has(message.id) && !isFileGone(message)).flatMap(filesRemoved)
  const files = changes.reduce((sum, { uploadIds }) => sum + uploadIds.length, 0)
  const told = changes.length === 0 ? undefined : await writeOutbox<Change, Tables>(transaction, changes)
  return { ...removed, held: held.size, files, told }
}

const nothing: Destroyed = { messages: 0, edits: 0, reactions: 0, mentions: 0, held: 0, files: 0, told: undefined }
