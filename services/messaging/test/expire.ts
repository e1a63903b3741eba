import type { RetentionRules } from '@parley/contracts'
import type { Callers } from '@parley/bus'
import { must } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { migrate, openPostgres, type OutboxRow } from '@parley/postgres'
import { silentLog, testDatabase } from '@parley/testing'
import type { Change } from '../src/domain/change.ts'
import { firstExpiryCursor, type ExpiryCursor } from '../src/domain/expiry-cursor.ts'
import { expirePart } from '../src/expiry/expire-part.ts'
import { beginExpiry } from '../src/expiry/expiring.ts'
import { paceFor } from '../src/expiry/pace.ts'
import { retentionBy } from '../src/retention.ts'
import type { Db, Tables } from '../src/store/tables.ts'
import { migrations } from './world.ts'

export const DAY_MS = 24 * 60 * 60 * 1_000

/** The default rule alone, or others besides. */
export function rulesOf(days: number, others: Partial<RetentionRules> = {}): RetentionRules {
  const none = { messageDays: null, fileDays: null }
  return {
    revision: 1,
    default: { messageDays: days, fileDays: null },
    direct: none,
    group: none,
    channel: none,
    ...others,
  }
}

export async function openDatabase() {
  const database = await testDatabase('messaging')
  const { url, adminUrl } = database
  await migrate({ url, service: 'messaging', folder: migrations, log: silentLog })
  const postgres = openPostgres<Tables>({ url, service: 'messaging', log: silentLog })
  return {
    url,
    adminUrl,
    db: postgres.db,
    async [Symbol.asyncDispose]() {
      await postgres[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

interface Asked {
  readonly rules: RetentionRules
  readonly now: Date
  readonly leaveDefaultToMonths?: boolean
  /** Of each part: short ones have many places to go on from. */
  readonly partMs?: number
}

/** Expires all there is, part by part, as `retention` has it done. Answers counts; what is told stays in the outbox. */
export async function expireAll(db: Db, asked: Asked): Promise<{ counts: Record<string, number>; isBusy: boolean }> {
  const { rules, now, leaveDefaultToMonths = false, partMs = 200 } = asked
  const counts: Record<string, number> = {}
  let cursor: ExpiryCursor | undefined = firstExpiryCursor
  let isBusy = false
  while (cursor !== undefined) {
    const expiry = beginExpiry({
      db,
      retention: retentionBy(() => rules, { now: () => now }),
      pace: paceFor(partMs),
      leaveDefaultToMonths,
      telling: {
        tell: () => undefined,
        untilRoom: async () => undefined,
        measure: async () => ({ rows: 0, oldestAgeMs: 0 }),
        [Symbol.asyncDispose]: async () => undefined,
      },
    })
    const part = await expirePart(expiry, cursor)
    for (const [name, count] of Object.entries(expiry.counts)) counts[name] = (counts[name] ?? 0) + count
    ;({ cursor } = part)
    isBusy = part.busy
  }
  return { counts, isBusy }
}

/** The same through the call. */
export async function expireThrough(calls: Callers<typeof messaging>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  let cursor: string | null = null
  for (;;) {
    const part: { counts: Record<string, number>; cursor: string | null; outcome: string } = must(
      await calls.expireMessages({ cursor, leaveDefaultToMonths: false }),
    )
    for (const [name, count] of Object.entries(part.counts)) counts[name] = (counts[name] ?? 0) + count
    ;({ cursor } = part)
    if (part.outcome !== 'more') return counts
  }
}

/** What the outbox has been given to tell. */
export async function readTold(db: Db): Promise<Change[]> {
  const rows = await db.selectFrom('outbox').select(['id', 'events']).orderBy('id').execute()
  return rows.flatMap(({ events }) => events as OutboxRow<Change>['events'])
}

export const goneUploads = (told: readonly Change[]): string[] =>
  told.flatMap((change) => (change.kind === 'attachments-removed' ? change.uploadIds : [])).toSorted()
