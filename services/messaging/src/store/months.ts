import { isUnavailable } from '@parley/postgres'
import { sql } from 'kysely'
import { lowestIdAt, monthNamed, monthsAround, type Month } from '../domain/month.ts'
import type { Db } from './tables.ts'

/** Ids up to a day old are accepted: a month may fill until a day after its end, and is dropped a day later at the earliest. */
const STILL_FILLING_MS = 2 * 24 * 60 * 60 * 1000

/** Whoever makes months; waited for. */
const MAKING = sql`hashtextextended('messaging.months.making', 0)`
/** Whoever drops months: it may wait for readers, so it is another lock, not waited for. */
const DROPPING = sql`hashtextextended('messaging.months.dropping', 0)`

/**
 * Makes sure that the months from the last to `ahead` months from now exist, of each table that has months. Nobody who writes
 * is kept waiting: a month is made on its own and attached when it is whole. It may be done twice, and by several at once.
 * Answers with names of months of messages.
 */
export async function createMonths(
  db: Db,
  options: { now: Date; ahead: number },
): Promise<{ created: string[]; months: string[] }> {
  const parents = await listParents(db)
  const tables = await listTables(db)
  const created: string[] = []
  for (const month of monthsAround(options.now, options.ahead)) {
    const attached = tables.filter((table) => table.month.name === month.name && table.attached)
    if (attached.length < parents.length && (await createMonth(db, month))) created.push(ofMessages(month))
  }
  const present = tables.filter(({ parent, attached }) => parent === MESSAGES && attached)
  const months = new Set([...present.map(({ month }) => ofMessages(month)), ...created])
  return { created, months: [...months].toSorted() }
}

/** False when somebody else has just made it. */
async function createMonth(db: Db, month: Month): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${MAKING})`.execute(transaction)
    const tables = (await listTables(transaction)).filter((table) => table.month.name === month.name)
    let made = false
    for (const parent of await listParents(transaction)) {
      const table = tables.find((listed) => listed.parent === parent)
      if (table?.attached === true) continue
      await createTable(transaction, parent, month, { exists: table !== undefined })
      made = true
    }
    return made
  })
}

async function createTable(db: Db, parent: string, month: Month, { exists }: { exists: boolean }): Promise<void> {
  const name = sql.id(`${parent}_${month.name}`)
  const from = sql.lit(lowestIdAt(month.startsAt))
  const to = sql.lit(lowestIdAt(month.endsAt))
  if (!exists) {
    await sql`create table ${name} (like ${sql.id(parent)} including defaults)`.execute(db)
    // With the check, attaching need not read the table.
    const check = sql.id(`${parent}_${month.name}_ids`)
    const id = sql.id(idOf(parent))
    await sql`alter table ${name} add constraint ${check} check (${id} >= ${from} and ${id} < ${to})`.execute(db)
  }
  await sql`alter table ${sql.id(parent)} attach partition ${name} for values from (${from}) to (${to})`.execute(db)
}

/**
 * Drops the months that ended at or before a time. Nobody is kept waiting; one that cannot be had now, because somebody reads
 * in it or another instance drops, is told as `busy` and goes another time. A month of messages goes last of its tables, so
 * that one whose drop was interrupted is still seen.
 */
export async function dropMonths(
  db: Db,
  options: { now: Date; endedBefore: Date },
): Promise<{ dropped: string[]; busy: string[] }> {
  const latest = Math.min(options.endedBefore.getTime(), options.now.getTime() - STILL_FILLING_MS)
  return db.connection().execute(async (connection) => {
    const { rows } = await sql<{ had: boolean }>`select pg_try_advisory_lock(${DROPPING}) as had`.execute(connection)
    const tables = await listTables(connection)
    const months = new Map(tables.map(({ month }) => [month.name, month]))
    const over = [...months.values()]
      .filter(({ endsAt }) => endsAt.getTime() <= latest)
      .toSorted((a, b) => a.startsAt.getTime() - b.startsAt.getTime())
    if (rows[0]?.had !== true) return { dropped: [], busy: over.map(ofMessages) }
    try {
      const dropped: string[] = []
      if (await finishDetaching(connection)) {
        for (const month of over) if (await dropMonth(connection, month)) dropped.push(ofMessages(month))
      }
      return { dropped, busy: over.map(ofMessages).filter((name) => !dropped.includes(name)) }
    } finally {
      await sql`select pg_advisory_unlock(${DROPPING})`.execute(connection)
    }
  })
}

/** A detachment that was interrupted must be finished before the next: a table has one at a time. */
async function finishDetaching(db: Db): Promise<boolean> {
  const halfway = (await listTables(db)).filter(({ detaching }) => detaching)
  for (const { parent, name } of halfway) {
    const finalize = sql`alter table ${sql.id(parent)} detach partition ${sql.id(name)} finalize`
    if (!(await ifFree(finalize.execute(db)))) return false
  }
  return true
}

async function dropMonth(db: Db, month: Month): Promise<boolean> {
  const tables = (await listTables(db)).filter((table) => table.month.name === month.name)
  for (const table of tables) if (!(await dropTable(db, table))) return false
  await db.deleteFrom('unreadMentions').where('messageId', '<', lowestIdAt(month.endsAt)).execute()
  return true
}

async function dropTable(db: Db, { parent, name, attached }: MonthTable): Promise<boolean> {
  if (attached) {
    if (!(await finishDetaching(db))) return false
    const detach = sql`alter table ${sql.id(parent)} detach partition ${sql.id(name)} concurrently`
    if (!(await ifFree(detach.execute(db)))) return false
  }
  return ifFree(sql`drop table if exists ${sql.id(name)}`.execute(db))
}

/** Whether it could be done: false when its locks were not to be had in time. */
async function ifFree(doing: Promise<unknown>): Promise<boolean> {
  try {
    await doing
    return true
  } catch (error) {
    if (isUnavailable(error)) return false
    throw error
  }
}

interface MonthTable {
  readonly parent: string
  readonly name: string
  readonly month: Month
  /** A part of its parent. Not so when its drop was interrupted after the detachment. */
  readonly attached: boolean
  /** Its detachment was begun and not finished: no longer seen in its parent. */
  readonly detaching: boolean
}

const MESSAGES = 'messages'
const ofMessages = (month: Month): string => `${MESSAGES}_${month.name}`
/** By which a table is divided: its own id, or that of the message its rows belong to. */
const idOf = (parent: string): string => (parent === MESSAGES || parent === 'read_log' ? 'id' : 'message_id')

/** Every table that has months. */
async function listParents(db: Db): Promise<string[]> {
  const { rows } = await sql<{ parent: string }>`
    select c.relname as parent from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
    where c.relnamespace = current_schema()::regnamespace order by 1`.execute(db)
  return rows.map(({ parent }) => parent)
}

/** The months of all tables; those of messages last. */
async function listTables(db: Db): Promise<MonthTable[]> {
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
