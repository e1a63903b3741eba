import { violatedConstraint, type OutboxRow } from '@parley/postgres'
import type { Message } from '@parley/protocol'
import { sql } from 'kysely'
import type { Change } from '../domain/change.ts'
import type { Send } from '../domain/send.ts'
import type { Db } from './tables.ts'

/** What became of one send of a group. */
export type SendVerdict =
  | { readonly outcome: 'accepted'; readonly message: Message }
  /** The first result stands. */
  | { readonly outcome: 'duplicate' }
  /** Somebody else holds the conversation. */
  | { readonly outcome: 'busy' }
  | {
      readonly outcome:
        | 'not_a_member'
        | 'forbidden'
        | 'conversation_archived'
        | 'direct_blocked'
        | 'reply_not_found'
        | 'mention_not_a_member'
        | 'message_id_conflict'
    }
  | { readonly outcome: 'message_id_out_of_range'; readonly serverTime: string }

export type WrittenGroup =
  /** Committed: the verdicts in the order of the sends, and the row that tells of it, if there is anything to tell. */
  | { readonly verdicts: readonly SendVerdict[]; readonly told: OutboxRow<Change> | undefined }
  /** Nothing was written: other transactions stored messages with these ids meanwhile. */
  | { readonly takenIds: ReadonlySet<string> }
  /** Nothing was written: a lock was not to be had in time. */
  | { readonly contended: true }

interface Written {
  readonly outboxId: number | null
  readonly serverTime: string
  readonly outcomes: readonly (
    | { readonly outcome: 'accepted'; sequence: number; version: number; createdAt: string }
    | Exclude<SendVerdict, { outcome: 'accepted' | 'message_id_out_of_range' }>
    | { readonly outcome: 'message_id_out_of_range' }
  )[]
}

/** SQLSTATEs: lock not available, deadlock detected, serialization failure. */
const CONTENDED: ReadonlySet<string> = new Set(['55P03', '40P01', '40001'])

/**
 * Writes a group of sends in one round trip, and is committed when it returns: `migrations/0012-refuse-expired-replies.ts`
 * says how. When it throws because Postgres is away, what became of the group is not known.
 */
export async function sendGroup(
  db: Db,
  sends: readonly Send[],
  options: { skipBusy: boolean; lockTimeoutMs: number; at: Date },
): Promise<WrittenGroup> {
  const { skipBusy, lockTimeoutMs, at } = options
  const given = JSON.stringify(
    sends.map(({ message: { id, conversationId, senderId, text, attachments, replyTo, mentions }, contentHash }) => ({
      id,
      conversationId,
      senderId,
      text,
      attachments,
      replyTo,
      mentions,
      contentHash,
    })),
  )
  try {
    const { rows } = await sql<{ written: Written }>`
      select send_messages(${given}::jsonb, ${skipBusy}, ${lockTimeoutMs}, ${at}) as written`.execute(db)
    return groupOf(sends, rows[0]!.written)
  } catch (error) {
    if (CONTENDED.has((error as { code?: string }).code ?? '')) return { contended: true }
    const takenIds = takenIdsOf(error)
    if (takenIds === undefined) throw error
    return { takenIds }
  }
}

function groupOf(sends: readonly Send[], written: Written): WrittenGroup {
  const events: Change[] = []
  const verdicts = written.outcomes.map((decided, index): SendVerdict => {
    if (decided.outcome === 'message_id_out_of_range') return { ...decided, serverTime: written.serverTime }
    if (decided.outcome !== 'accepted') return decided
    const { sequence, version, createdAt } = decided
    const message = { ...sends[index]!.message, sequence, version, createdAt }
    events.push({ kind: 'message-created', version, message })
    return { outcome: 'accepted', message }
  })
  return { verdicts, told: written.outboxId === null ? undefined : { id: written.outboxId, events } }
}

function takenIdsOf(error: unknown): ReadonlySet<string> | undefined {
  if (violatedConstraint(error) !== 'messages_id_taken') return undefined
  return new Set((error as { detail: string }).detail.split(','))
}
