import { repeat, type Logger } from '@parley/runtime'
import { sql, type ColumnType, type Generated, type Insertable, type Kysely, type Transaction } from 'kysely'

/** Events written in the transaction of the change they tell of. One row holds all events of a transaction, in order. */
export interface OutboxTable {
  id: Generated<number>
  createdAt: Generated<Date>
  claimedUntil: Date | null
  events: ColumnType<unknown[], string, never>
}

export interface OutboxRow<Event = unknown> {
  readonly id: number
  readonly events: readonly Event[]
}

export interface Outbox<Event> extends AsyncDisposable {
  /**
   * Delivers rows together and at once, after their COMMIT, and removes them when all that must hear has acknowledged. Never
   * throws: rows that could not be delivered are left to the relay, which goes row by row.
   */
  send(rows: readonly OutboxRow<Event>[]): Promise<void>
  /** What is still to be told, by anybody: for metrics. */
  measure(): Promise<{ readonly rows: number; readonly oldestAgeMs: number }>
}

/** Younger rows are still in the hands of the instance that wrote them. */
const REDRIVE_AGE_MS = 3_000
const RELAY_EVERY_MS = 1_000
const CLAIM_MS = 10_000
const ROWS_PER_CLAIM = 100
/** Re-driven at once: a row may stand for hundreds of messages, which delivering reads into memory. */
const ROWS_AT_ONCE = 4

/** For migrations. */
export async function createOutboxTable(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table outbox (
      id bigint generated always as identity primary key,
      created_at timestamptz not null default clock_timestamp(),
      claimed_until timestamptz,
      events jsonb not null
    )`.execute(db)
}

/** Adds events to the transaction. */
export async function writeOutbox<Event, Tables extends { outbox: OutboxTable }>(
  transaction: Transaction<Tables>,
  events: readonly Event[],
): Promise<OutboxRow<Event>> {
  const row = await (transaction as unknown as Transaction<{ outbox: OutboxTable }>)
    .insertInto('outbox')
    .values({ events: JSON.stringify(events), claimedUntil: null } satisfies Insertable<OutboxTable>)
    .returning('id')
    .executeTakeFirstOrThrow()
  return { id: row.id, events }
}

/**
 * Delivers events at least once and possibly out of order. Any instance re-drives rows that stayed: it claims them by their
 * state with SKIP LOCKED, never by a cursor over ids, which would miss a row whose transaction commits late.
 */
export function openOutbox<Event, Tables extends { outbox: OutboxTable }>(options: {
  db: Kysely<Tables>
  log: Logger
  /** Resolves when everybody who must hear has all of them. May be called again with the same rows. */
  deliver: (rows: readonly OutboxRow<Event>[]) => Promise<void>
}): Outbox<Event> {
  const { log, deliver } = options
  const db = options.db as unknown as Kysely<{ outbox: OutboxTable }>

  const remover = removeTogether((ids) =>
    // Not waited for until it is on disk: a row that comes back after a crash is delivered once more.
    sql`delete from outbox where id = any(${ids})
      and (select set_config('synchronous_commit', 'off', true)) = 'off'`.execute(db),
  )

  /** Answers how many were delivered. */
  async function sendTogether(rows: readonly OutboxRow<Event>[]): Promise<number> {
    if (rows.length === 0) return 0
    try {
      await deliver(rows)
    } catch (error) {
      log.warn({ error, rows: rows.length }, 'events not delivered yet')
      return 0
    }
    try {
      await remover.remove(rows.map(({ id }) => id))
    } catch (error) {
      log.warn({ error, rows: rows.length }, 'delivered events not removed yet')
    }
    return rows.length
  }

  /** As long as rows are claimed and delivered: when nobody takes them, the rest waits for a later run. */
  async function redrive(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const rows = await claim()
      if (rows.length > 0) log.info({ rows: rows.length }, 'events re-driven')
      let delivered = 0
      for (let start = 0; start < rows.length && !signal.aborted; start += ROWS_AT_ONCE) {
        const next = rows.slice(start, start + ROWS_AT_ONCE)
        const sent = await Promise.all(next.map((row) => sendTogether([row])))
        delivered += sent.reduce((sum, count) => sum + count, 0)
        // Nobody takes them now.
        if (sent.every((count) => count === 0)) return
      }
      if (rows.length < ROWS_PER_CLAIM || delivered === 0) return
    }
  }

  async function claim(): Promise<OutboxRow<Event>[]> {
    const { rows } = await sql<OutboxRow<Event>>`
      update outbox set claimed_until = clock_timestamp() + ${CLAIM_MS} * interval '1 millisecond'
      where id in (
        select id from outbox
        where created_at < clock_timestamp() - ${REDRIVE_AGE_MS} * interval '1 millisecond'
          and (claimed_until is null or claimed_until < clock_timestamp())
        order by id limit ${ROWS_PER_CLAIM} for update skip locked)
      returning id, events`.execute(db)
    return rows.toSorted((a, b) => a.id - b.id)
  }

  const relay = repeat('relay-outbox', { everyMs: RELAY_EVERY_MS, log }, redrive)
  return {
    async send(rows) {
      await sendTogether(rows)
    },
    async measure() {
      const measured = await sql<{ rows: number; oldestAgeMs: number }>`
        select count(*)::integer as rows,
          coalesce(extract(epoch from clock_timestamp() - min(created_at)) * 1000, 0)::float8 as oldest_age_ms
        from outbox`.execute(db)
      return measured.rows[0]!
    },
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  }
}

/** Ids that come while others are being removed wait together and go in the next statement. */
function removeTogether(removeAll: (ids: readonly number[]) => Promise<unknown>): {
  remove(ids: readonly number[]): Promise<unknown>
} {
  let next: { ids: number[]; removed: Promise<unknown> } | undefined
  let last: Promise<unknown> = Promise.resolve()

  function begin(): { ids: number[]; removed: Promise<unknown> } {
    const ids: number[] = []
    const removed = last.then(() => {
      next = undefined
      return removeAll(ids)
    })
    last = removed.catch(() => undefined)
    return { ids, removed }
  }

  return {
    remove(ids) {
      next ??= begin()
      next.ids.push(...ids)
      return next.removed
    },
  }
}
