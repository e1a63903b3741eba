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
 * Makes sure that the months from the last to `ahead` months from now exist. Nobody who writes is kept waiting: a month is
 * made on its own and attached when it is whole. It may be done twice, and by several at once.
 */
export async function createMonths(
  db: Db,
  options: { now: Date; ahead: number },
): Promise<{ created: string[]; months: string[] }> {
  const present = new Set((await listMonths(db)).filter(({ attached }) => attached).map(({ name }) => name))
  const created: string[] = []
  for (const month of monthsAround(options.now, options.ahead)) {
    if (!present.has(month.name) && (await createMonth(db, month))) created.push(month.name)
  }
  return { created, months: [...present, ...created].toSorted() }
}

/** False when somebody else has just made it. */
async function createMonth(db: Db, month: Month): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${MAKING})`.execute(transaction)
    const table = (await listMonths(transaction)).find(({ name }) => name === month.name)
    if (table?.attached === true) return false
    const name = sql.id(month.name)
    const from = sql.lit(lowestIdAt(month.startsAt))
    const to = sql.lit(lowestIdAt(month.endsAt))
    if (table === undefined) {
      await sql`create table ${name} (like messages including defaults)`.execute(transaction)
      // With the check, attaching need not read the table.
      await sql`alter table ${name} add constraint ${sql.id(`${month.name}_ids`)} check (id >= ${from} and id < ${to})`.execute(
        transaction,
      )
    }
    await sql`alter table messages attach partition ${name} for values from (${from}) to (${to})`.execute(transaction)
    return true
  })
}

/**
 * Drops the months that ended at or before a time. Nobody is kept waiting; one that cannot be had now, because somebody reads
 * in it or another instance drops, is told as `busy` and goes another time.
 */
export async function dropMonths(
  db: Db,
  options: { now: Date; endedBefore: Date },
): Promise<{ dropped: string[]; busy: string[] }> {
  const latest = Math.min(options.endedBefore.getTime(), options.now.getTime() - STILL_FILLING_MS)
  const isOver = (name: string) => monthNamed(name)!.endsAt.getTime() <= latest
  return db.connection().execute(async (connection) => {
    const { rows } = await sql<{ had: boolean }>`select pg_try_advisory_lock(${DROPPING}) as had`.execute(connection)
    const over = (await listMonths(connection)).map(({ name }) => name).filter(isOver)
    if (rows[0]?.had !== true) return { dropped: [], busy: over }
    try {
      const dropped: string[] = []
      if (await finishDetaching(connection)) {
        for (const name of over) if (await dropMonth(connection, name)) dropped.push(name)
      }
      return { dropped, busy: over.filter((name) => !dropped.includes(name)) }
    } finally {
      await sql`select pg_advisory_unlock(${DROPPING})`.execute(connection)
    }
  })
}

/** A detachment that was interrupted must be finished before the next: a table has one at a time. */
async function finishDetaching(db: Db): Promise<boolean> {
  const halfway = (await listMonths(db)).filter(({ detaching }) => detaching)
  for (const { name } of halfway) {
    const done = await ifFree(sql`alter table messages detach partition ${sql.id(name)} finalize`.execute(db))
    if (!done) return false
  }
  return true
}

async function dropMonth(db: Db, name: string): Promise<boolean> {
  const month = (await listMonths(db)).find((listed) => listed.name === name)
  if (month?.attached === true) {
    if (!(await finishDetaching(db))) return false
    const detached = await ifFree(sql`alter table messages detach partition ${sql.id(name)} concurrently`.execute(db))
    if (!detached) return false
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
  readonly name: string
  /** A part of `messages`. Not so when its drop was interrupted after the detachment. */
  readonly attached: boolean
  /** Its detachment was begun and not finished: no longer seen in `messages`. */
  readonly detaching: boolean
}

async function listMonths(db: Db): Promise<MonthTable[]> {
  const { rows } = await sql<MonthTable>`
    select c.relname as name,
      i.inhrelid is not null and not i.inhdetachpending as attached,
      coalesce(i.inhdetachpending, false) as detaching
    from pg_class c left join pg_inherits i on i.inhrelid = c.oid
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and c.relname like 'messages\\_____\\___'
    order by c.relname`.execute(db)
  return rows.filter(({ name }) => monthNamed(name) !== undefined)
}
