import type { ConversationKind } from '@parley/protocol'
import { sql } from 'kysely'
import type { Db } from './tables.ts'

export interface OwnPlace {
  readonly conversationId: string
  readonly userId: string
}

/** A conversation of which the user is or was a member. */
export interface ErasingConversation {
  readonly id: string
  readonly kind: ConversationKind
  readonly version: number
  /** Nothing of the user is left in messages that were last changed with this version, or before. */
  readonly erasedVersion: number
  readonly isMember: boolean
  readonly isMuted: boolean
}

/** All of a user's conversations, by id. */
export async function listErasing(
  db: Db,
  { userId, after, limit }: { userId: string; after: string | null; limit: number },
): Promise<ErasingConversation[]> {
  const { rows } = await sql<ErasingConversation>`
    select c.id, c.kind, c.version, coalesce(e.version, 0) as erased_version,
      m.left_at is null as is_member, m.muted_until is not null as is_muted
    from (
      select distinct conversation_id from membership_changes
      where user_id = ${userId} and conversation_id > ${after ?? BEFORE_ALL}
      order by conversation_id limit ${limit}
    ) own
    join conversations c on c.id = own.conversation_id
    join members m on m.conversation_id = c.id and m.user_id = ${userId}
    left join erasures e on e.user_id = ${userId} and e.conversation_id = c.id
    order by c.id`.execute(db)
  return rows
}

/** JetStream keeps events for three days, and an outbox may tell some late. */
const EVENTS_WITHIN = sql`interval '1 hour' * 24 * 7`

/** The same, of which there may still be events, by their ids. */
export async function listWithEvents(
  db: Db,
  { userId, after, limit }: { userId: string; after: string | null; limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct c.id from membership_changes own
    join conversations c on c.id = own.conversation_id
    left join conversation_receipts r on r.conversation_id = c.id
    where own.user_id = ${userId} and own.conversation_id > ${after ?? BEFORE_ALL}
      and greatest(c.changed_minute, r.raised_at) > clock_timestamp() - ${EVENTS_WITHIN}
    order by c.id limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}

export interface LookedAt {
  readonly id: string
  readonly version: number
  /** Theirs, and not deleted. */
  readonly isOwn: boolean
  /** Another's, with a reaction of theirs. */
  readonly hasReacted: boolean
}

/** The messages of a conversation that were last changed after a version, by that. */
export async function lookAtMessages(
  db: Db,
  { conversationId, userId, after, limit }: OwnPlace & { after: number; limit: number },
): Promise<LookedAt[]> {
  const { rows } = await sql<LookedAt>`
    select id, version, sender_id = ${userId} and deleted_at is null as is_own,
      sender_id <> ${userId} and reactions <> '[]' and exists (
        select from reactions where reactions.message_id = messages.id and reactions.user_id = ${userId}
      ) as has_reacted
    from messages where conversation_id = ${conversationId} and version > ${after}
    order by version limit ${limit}`.execute(db)
  return rows
}

export async function noteErased(db: Db, { userId, conversationId }: OwnPlace, version: number): Promise<void> {
  await db
    .insertInto('erasures')
    .values({ userId, conversationId, version })
    .onConflict((conflict) =>
      conflict.columns(['userId', 'conversationId']).doUpdateSet({
        version: sql<number>`greatest(erasures.version, excluded.version)`,
      }),
    )
    .execute()
}

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'
