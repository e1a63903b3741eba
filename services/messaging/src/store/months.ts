import { sql } from 'kysely'
import { lowestIdAt, monthsAround, type Month } from '../domain/month.ts'
import { LOCK_TIMEOUT_MS, MESSAGES, listMonthTables, listParents, monthOfMessages } from './month-tables.ts'
import type { Db } from './tables.ts'

/** Whoever makes months; waited for. */
const MAKING = sql`hashtextextended('messaging.months.making', 0)`

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
  const tables = await listMonthTables(db)
  const created: string[] = []
  for (const month of monthsAround(options.now, options.ahead)) {
    const attached = tables.filter((table) => table.month.name === month.name && table.attached)
    if (attached.length < parents.length && (await createMonth(db, month))) created.push(monthOfMessages(month))
  }
  const present = tables.filter(({ parent, attached }) => parent === MESSAGES && attached)
  const months = new Set([...present.map(({ month }) => monthOfMessages(month)), ...created])
  return { created, months: [...months].toSorted() }
}

/** False when somebody else has just made it. */
async function createMonth(db: Db, month: Month): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${MAKING})`.execute(transaction)
    await sql`select set_config('lock_timeout', ${LOCK_TIMEOUT_MS}, true)`.execute(transaction)
    const tables = (await listMonthTables(transaction)).filter((table) => table.month.name === month.name)
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

/** By which a table is divided: its own id, or that of the message its rows belong to. */
const idOf = (parent: string): string => (parent === MESSAGES || parent === 'read_log' ? 'id' : 'message_id')
