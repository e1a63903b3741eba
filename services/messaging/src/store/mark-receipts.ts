import type { OutboxRow } from '@parley/postgres'
import { limits, type Conversation } from '@parley/protocol'
import { sql } from 'kysely'
import type { Change } from '../domain/change.ts'
import { advanceGathering, type Mark } from '../domain/receipts.ts'
import type { Db } from './tables.ts'

/** What became of one mark. */
export type MarkOutcome =
  /** It is kept, or was no news. */
  ({ readonly outcome: 'marked' } & Pick<Conversation, 'kind' | 'memberCount'>) | { readonly outcome: 'not_a_member' }

/** The same from one write: where somebody else holds the member, another one is needed. */
export type MarkVerdict = MarkOutcome | { readonly outcome: 'busy' }

export interface WrittenMarks {
  /** In the order of the marks. */
  readonly verdicts: readonly MarkVerdict[]
  /** The row that tells of it, if there is anything to tell. */
  readonly told: OutboxRow<Change> | undefined
}

interface Written {
  readonly outboxId: number | null
  readonly advances: readonly Change[] | null
  readonly outcomes: readonly MarkVerdict[]
}

/**
 * Writes marks in one round trip, and is committed when it returns: `migrations/0007-create-receipts.ts` says how. No two may be
 * of the same user and conversation. Doing it again does no harm.
 */
export async function markReceipts(db: Db, marks: readonly Mark[]): Promise<WrittenMarks> {
  const { leastMs, msPerMember } = advanceGathering
  const { rows } = await sql<{ written: Written }>`
    select mark_receipts(
      ${JSON.stringify(marks)}::jsonb, ${limits.toldMembers}, ${leastMs}, ${msPerMember}) as written`.execute(db)
  const { outboxId, advances, outcomes } = rows[0]!.written
  return { verdicts: outcomes, told: outboxId === null ? undefined : { id: outboxId, events: advances ?? [] } }
}
