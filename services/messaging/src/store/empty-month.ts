import { sql } from 'kysely'
import { destroyMessages, type Destroyed } from './destroy-messages.ts'
import type { MessageTables } from './message-tables.ts'
import type { Db, MessageRow } from './tables.ts'

const LOOKED_AT = 10_000
const DELETED_AT_ONCE = 500

export interface EmptiedPart extends Destroyed {
  /** The last that was looked at; null: there are no more. */
  readonly after: string | null
}

/**
 * Goes through a part of a month's expired messages, by id, and deletes those that cannot just be dropped: copies what a hold
 * covers, and tells of what has files.
 */
export async function emptyMonth(db: Db, tables: MessageTables, after: string | null): Promise<EmptiedPart> {
  return db.transaction().execute(async (transaction) => {
    const from = after ?? '00000000-0000-0000-0000-000000000000'
    const table = sql.table(tables.messages)
    const { rows: found } = await sql<{ id: string; isLast: boolean }>`
      with page as materialized (
        select id, sender_id, conversation_id, attachments from ${table}
        where id > ${from} order by id limit ${LOOKED_AT}
      ),
      last as (select id from page order by id desc limit 1)
      select id, false as is_last from (
        select id from page
        where attachments <> '[]'
          or sender_id in (select user_id from holds where user_id is not null)
          or conversation_id in (select conversation_id from holds where conversation_id is not null)
        order by id limit ${DELETED_AT_ONCE}) found
      union all
      select id, true from last where (select count(*) from page) = ${LOOKED_AT}`.execute(transaction)
    const ids = found.filter(({ isLast }) => !isLast).map(({ id }) => id)
    const { rows } = await sql<MessageRow>`
      select * from ${table} where id = any(${ids}::uuid[]) order by id for update`.execute(transaction)
    const destroyed = await destroyMessages(transaction, rows, { tables })
    if (ids.length === DELETED_AT_ONCE) return { ...destroyed, after: ids.at(-1)! }
    return { ...destroyed, after: found.find(({ isLast }) => isLast)?.id ?? null }
  })
}
