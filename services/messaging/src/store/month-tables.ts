import { sql } from 'kysely'
import { monthNamed, type Month } from '../domain/month.ts'
import type { Db } from './tables.ts'

/** How long whatever makes, detaches or drops a table waits for others, who may wait behind it. */
export const LOCK_TIMEOUT_MS = '1000'

export const MESSAGES = 'messages'
export const monthOfMessages = (month: Month): string => `${MESSAGES}_${month.name}`

export interface MonthTable {
  readonly parent: string
  readonly name: string
  readonly month: Month
  /** A part of its parent. Not so when its drop was interrupted after the detachment. */
  readonly attached: boolean
  /** Its detachment was begun and not finished: no longer seen in its parent. */
  readonly detaching: boolean
}

/** Every table that has months. */
export async function listParents(db: Db): Promise<string[]> {
  const { rows } = await sql<{ parent: string }>`
    select c.relname as parent from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
    where c.relnamespace = current_schema()::regnamespace order by 1`.execute(db)
  return rows.map(({ parent }) => parent)
}

/** The months of all tables; those of messages last. */
export async function listMonthTables(db: Db): Promise<MonthTable[]> {
  const { rows } = await sql<Omit<MonthTable, 'month'> & { monthName: string }>`
    select parent.relname as parent, c.relname as name,
      substring(c.relname from length(parent.relname) + 2) as month_name,
      i.inhrelid is not null and not i.inhdetachpending as attached,
      coalesce(i.inhdetachpending, false) as detaching
    from pg_partitioned_table p
    join pg_class parent on parent.oid = p.partrelid and parent.relnamespace = current_schema()::regnamespace
    join pg_class c on c.relnamespace = parent.relnamespace and c.relkind = 'r'
      and starts_with(c.relname, parent.relname || '_')
    left join pg_inherits i on i.inhrelid = c.oid
    order by parent.relname = ${MESSAGES}, c.relname`.execute(db)
  return rows.flatMap(({ monthName, ...table }) => {
    const month = monthNamed(monthName)
    return month === undefined ? [] : [{ ...table, month }]
  })
}
