import type { Member, Message, Receipt } from '@parley/protocol'
import { sql } from 'kysely'
import { FIRST_MEMBERS, NEWEST_MESSAGES } from '../domain/catch-up.ts'
import { MAX_PAGE_BYTES } from '../domain/page.ts'
import { memberOf } from './members.ts'
import { messageOf } from './messages.ts'
import type { Db, MemberRow, MessageRow } from './tables.ts'

/** Where one member's reading goes on: after a version, or with the newest where that is null. */
export interface Place {
  readonly conversationId: string
  readonly afterVersion: number | null
  readonly visibleFromSequence: number
  /** What was created at this moment or before has expired. */
  readonly keptSince: Date
}

/**
 * Messages that were created or changed since, by version; or the newest and one more, by falling sequence. Of all places
 * together, in their order, only as many as may fit into an answer; `cutAt` is the conversation at which there were more.
 */
export async function missedMessages(
  db: Db,
  places: readonly Place[],
): Promise<{ byConversation: Map<string, Message[]>; cutAt: string | undefined }> {
  if (places.length === 0) return { byConversation: new Map(), cutAt: undefined }
  const visibleFrom = places.map(({ visibleFromSequence }) => visibleFromSequence)
  const keptSince = places.map((place) => place.keptSince)
  const { rows } = await sql<MessageRow & { bytesSoFar: number }>`
    select * from (
      select message.*, place, size, sum(size) over (order by place, nearness) as bytes_so_far
      from unnest(
        ${idsOf(places)}::uuid[], ${aftersOf(places)}::bigint[], ${visibleFrom}::bigint[], ${keptSince}::timestamptz[])
        with ordinality as given (id, after_version, visible_from, kept_since, place)
      cross join lateral (
        (select *, version as nearness from messages
          where conversation_id = given.id and version > given.after_version
            and sequence >= given.visible_from and created_at > given.kept_since)
        union all
        (select *, -sequence as nearness from messages
          where given.after_version is null and conversation_id = given.id
            and sequence >= given.visible_from and created_at > given.kept_since
          order by sequence desc limit ${NEWEST_MESSAGES + 1})
      ) message
      -- Of the largest parts, without reading them.
      cross join lateral (select octet_length(text) + pg_column_size(reactions) as size) sized
    ) found
    where bytes_so_far - size <= ${MAX_PAGE_BYTES}
    order by place, nearness`.execute(db)
  const last = rows.at(-1)
  const cutAt = last !== undefined && last.bytesSoFar > MAX_PAGE_BYTES ? last.conversationId : undefined
  return { byConversation: grouped(rows, messageOf), cutAt }
}

/** Members who joined, left or changed since; or the first who joined and one more. */
export async function missedMembers(db: Db, places: readonly Place[]): Promise<Map<string, Member[]>> {
  if (places.length === 0) return new Map()
  const { rows } = await sql<MemberRow>`
    select member.*
    from unnest(${idsOf(places)}::uuid[], ${aftersOf(places)}::bigint[]) as given (id, after_version)
    cross join lateral (
      (select * from members
        where conversation_id = given.id and user_id in (
          select user_id from membership_changes
          where conversation_id = given.id and version > given.after_version))
      union all
      (select * from members
        where given.after_version is null and conversation_id = given.id and left_at is null
        order by joined_version, user_id limit ${FIRST_MEMBERS + 1})
    ) member
    order by member.conversation_id, member.joined_version, member.user_id`.execute(db)
  return grouped(rows, memberOf)
}

/** What others may know of members whose receipts were raised since. */
export async function raisedReceipts(
  db: Db,
  conversationIds: readonly string[],
  { userId, raisedAfter }: { userId: string; raisedAfter: Date },
): Promise<Map<string, Receipt[]>> {
  if (conversationIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('members')
    .selectAll()
    .where('conversationId', 'in', conversationIds)
    .where('userId', '<>', userId)
    .where('leftAt', 'is', null)
    .where('raisedAt', '>', raisedAfter)
    .execute()
  return grouped(rows, (row) => {
    const { deliveredSequence, shownReadSequence: readSequence } = row
    return { userId: row.userId, deliveredSequence, readSequence }
  })
}

const idsOf = (places: readonly Place[]) => places.map(({ conversationId }) => conversationId)
const aftersOf = (places: readonly Place[]) => places.map(({ afterVersion }) => afterVersion)

function grouped<Row extends { readonly conversationId: string }, Item>(
  rows: readonly Row[],
  itemOf: (row: Row) => Item,
): Map<string, Item[]> {
  const groups = Map.groupBy(rows, ({ conversationId }) => conversationId)
  return new Map(groups.entries().map(([id, ofConversation]) => [id, ofConversation.map(itemOf)]))
}
