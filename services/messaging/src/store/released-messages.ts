import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { sql } from 'kysely'
import type { Change } from '../domain/change.ts'
import { keepHolds } from './holds.ts'
import type { Db, Tables } from './tables.ts'

const LOOKED_AT = 2_000
const DELETED_AT_ONCE = 500

export interface Released {
  /** The last that was looked at; null: there are no more. */
  readonly after: string | null
  readonly messages: number
  readonly files: number
  readonly told: OutboxRow<Change> | undefined
}

/** Deletes some of the held messages that no hold covers any more, by id, and tells that their files are gone. */
export async function deleteReleased(db: Db, after: string | null): Promise<Released> {
  const page = await db
    .selectFrom('heldMessages')
    .select(['id', isCovered.as('isHeld')])
    .$if(after !== null, (query) => query.where('id', '>', after!))
    .orderBy('id')
    .limit(LOOKED_AT)
    .execute()
  const released = page.filter(({ isHeld }) => !isHeld).map(({ id }) => id)
  const ids = released.slice(0, DELETED_AT_ONCE)
  const isWhole = ids.length === released.length
  const last = isWhole ? (page.length < LOOKED_AT ? null : page.at(-1)!.id) : ids.at(-1)!
  if (ids.length === 0) return { after: last, messages: 0, files: 0, told: undefined }
  return db.transaction().execute(async (transaction) => {
    await keepHolds(transaction)
    const rows = await transaction
      .deleteFrom('heldMessages')
      .where('id', 'in', ids)
      .where((eb) => eb.not(isCovered))
      .returning(['id', 'conversationId', 'uploadIds'])
      .execute()
    const changes = rows
      .filter(({ uploadIds }) => uploadIds.length > 0)
      .map(({ id: messageId, conversationId, uploadIds }): Change => {
        return { kind: 'attachments-removed', conversationId, messageId, uploadIds }
      })
    const files = rows.reduce((sum, { uploadIds }) => sum + uploadIds.length, 0)
    const told = changes.length === 0 ? undefined : await writeOutbox<Change, Tables>(transaction, changes)
    return { after: last, messages: rows.length, files, told }
  })
}

const isCovered = sql<boolean>`exists (
  select from holds
  where holds.user_id = held_messages.sender_id or holds.conversation_id = held_messages.conversation_id)`
