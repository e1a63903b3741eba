import { isUnavailable, type OutboxRow } from '@parley/postgres'
import { sql } from 'kysely'
import type { Change } from '../domain/change.ts'
import { lowestIdAt, type Month } from '../domain/month.ts'
import { emptyMonth } from './empty-month.ts'
import { keepHolds, listHolds } from './holds.ts'
import { ofAllMonths, type MessageTables } from './message-tables.ts'
import { findKeptMessages, findKeptReads, type Looked } from './month-contents.ts'
import { LOCK_TIMEOUT_MS, MESSAGES, listMonthTables, monthOfMessages, type MonthTable } from './month-tables.ts'
import type { Db } from './tables.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
/** Ids up to a day old are accepted: a month may fill until a day after its end, and is dropped a day later at the earliest. */
const STILL_FILLING_MS = 2 * DAY_MS

/** Whoever drops months: it may wait for readers, so it is another lock than that of making them, and not waited for. */
const DROPPING = sql`hashtextextended('messaging.months.dropping', 0)`

/**
 * How far months were looked through for what is kept (by table), and emptied with which holds (by month): what is known of a
 * month that is over stays true.
 */
export interface Known {
  readonly kept: Map<string, string>
  readonly emptied: Map<string, { readonly after: string; readonly holds: ReadonlySet<string> }>
}

export interface DropOptions {
  readonly now: Date
  /** The shortest that anything is kept. */
  readonly shortestDays: number
  readonly known: Known
  /** Whether the rest is for another time. */
  readonly isOver: () => boolean
  readonly tell: (row: OutboxRow<Change>) => Promise<void>
}

type Outcome = 'dropped' | 'busy' | 'kept'

/**
 * Drops the months of which nothing is kept, of all tables that have months. Nobody is kept waiting; one that cannot be had now,
 * because somebody reads in it or another instance drops, is told as `busy` and goes another time. Whatever interrupts it, the
 * next time goes on.
 */
export async function dropMonths(db: Db, options: DropOptions): Promise<Record<Outcome, string[]>> {
  const told: Record<Outcome, string[]> = { dropped: [], busy: [], kept: [] }
  const fullBefore = options.now.getTime() - STILL_FILLING_MS
  await db.connection().execute(async (connection) => {
    const { rows } = await sql<{ had: boolean }>`select pg_try_advisory_lock(${DROPPING}) as had`.execute(connection)
    const tables = await listMonthTables(connection)
    const over = [...new Map(tables.map(({ month }) => [month.name, month])).values()]
      .filter(({ endsAt }) => endsAt.getTime() <= fullBefore)
      .toSorted((a, b) => a.startsAt.getTime() - b.startsAt.getTime())
    if (rows[0]?.had !== true) {
      told.busy.push(...over.map(monthOfMessages))
      return
    }
    try {
      await sql`select set_config('lock_timeout', ${LOCK_TIMEOUT_MS}, false)`.execute(connection)
      for (const month of over) {
        const isYoung =
          options.now.getTime() < month.endsAt.getTime() + STILL_FILLING_MS + options.shortestDays * DAY_MS
        // A table has one detachment at a time: whoever keeps one waiting does so to all.
        const isNext = told.busy.length === 0
        const outcome = isYoung ? 'kept' : isNext ? await dropMonth(connection, month, options) : 'busy'
        told[outcome].push(monthOfMessages(month))
      }
    } finally {
      await sql`reset lock_timeout`.execute(connection)
      await sql`select pg_advisory_unlock(${DROPPING})`.execute(connection)
    }
  })
  return told
}

async function dropMonth(db: Db, month: Month, options: DropOptions): Promise<Outcome> {
  if (!(await finishDetaching(db))) return 'busy'
  const tables = await tablesOf(db, month)
  // Once messages are detached it is decided.
  if (tables.some(({ parent, attached }) => parent === MESSAGES && attached)) {
    const found = await findKept(db, month, tables, options)
    if (found !== 'nothing') return found
  }
  for (;;) {
    const holds = await listHolds(db)
    if (!(await empty(db, tables, holds, options))) return 'busy'
    // Messages first: what belongs to them is found as long as they are.
    for (const table of tables.toReversed()) if (!(await detach(db, table))) return 'busy'
    const dropped = await dropDetached(db, month, tables, holds)
    if (dropped !== 'again') return dropped
  }
}

async function findKept(
  db: Db,
  month: Month,
  tables: readonly MonthTable[],
  { known, isOver }: DropOptions,
): Promise<'nothing' | 'kept' | 'busy'> {
  const looks: Record<string, (name: string, after: string | null) => Promise<Looked>> = {
    [MESSAGES]: (name, after) => findKeptMessages(db, name, after),
    read_log: (name, after) => findKeptReads(db, name, month, after),
  }
  for (const { parent, name } of tables) {
    const look = looks[parent]
    if (look === undefined) continue
    let after = known.kept.get(name) ?? null
    do {
      if (isOver()) return 'busy'
      const looked = await look(name, after)
      if (looked.keeping !== null) return 'kept'
      after = looked.after
      if (after !== null) known.kept.set(name, after)
    } while (after !== null)
  }
  return 'nothing'
}

/** False when time is up before it is through. */
async function empty(
  db: Db,
  tables: readonly MonthTable[],
  holds: ReadonlySet<string>,
  { known, isOver, tell }: DropOptions,
): Promise<boolean> {
  const named = namesOf(tables)
  if (named === undefined) return true
  const before = known.emptied.get(named.messages)
  // With another hold, what was passed over is to be looked at again.
  let after = before !== undefined && holds.isSubsetOf(before.holds) ? before.after : null
  do {
    if (isOver()) return false
    const emptied = await emptyMonth(db, named, after)
    if (emptied.told !== undefined) await tell(emptied.told)
    after = emptied.after
    if (after !== null) known.emptied.set(named.messages, { after, holds })
  } while (after !== null)
  return true
}

/** Unless another hold has begun since. */
async function dropDetached(
  db: Db,
  month: Month,
  tables: readonly MonthTable[],
  holds: ReadonlySet<string>,
): Promise<'dropped' | 'busy' | 'again'> {
  let outcome: 'dropped' | 'again' = 'dropped'
  const isFree = await ifFree(
    db.transaction().execute(async (transaction) => {
      await keepHolds(transaction)
      if (!(await listHolds(transaction)).isSubsetOf(holds)) {
        outcome = 'again'
        return
      }
      await transaction
        .deleteFrom('unreadMentions')
        .where('messageId', '>=', lowestIdAt(month.startsAt))
        .where('messageId', '<', lowestIdAt(month.endsAt))
        .execute()
      // Together, or not at all.
      const names = sql.join(tables.map(({ name }) => sql.table(name)))
      await sql`drop table ${names}`.execute(transaction)
    }),
  )
  return isFree ? outcome : 'busy'
}

/** A detachment that was interrupted must be finished before the next. */
async function finishDetaching(db: Db): Promise<boolean> {
  const halfway = (await listMonthTables(db)).filter(({ detaching }) => detaching)
  for (const { parent, name } of halfway) {
    const finalize = sql`alter table ${sql.id(parent)} detach partition ${sql.id(name)} finalize`
    if (!(await ifFree(finalize.execute(db)))) return false
  }
  return true
}

async function detach(db: Db, { parent, name, month }: MonthTable): Promise<boolean> {
  const isAttached = (await tablesOf(db, month)).some((table) => table.name === name && table.attached)
  if (!isAttached) return true
  return ifFree(sql`alter table ${sql.id(parent)} detach partition ${sql.id(name)} concurrently`.execute(db))
}

const tablesOf = async (db: Db, month: Month): Promise<MonthTable[]> =>
  (await listMonthTables(db)).filter((table) => table.month.name === month.name)

/** Of a month; undefined when it has no messages. */
function namesOf(tables: readonly MonthTable[]): MessageTables | undefined {
  const nameOf = (parent: string) => tables.find((table) => table.parent === parent)?.name
  const messages = nameOf(MESSAGES)
  if (messages === undefined) return undefined
  const { edits, reactions } = ofAllMonths
  return { messages, edits: nameOf(edits) ?? edits, reactions: nameOf(reactions) ?? reactions }
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
