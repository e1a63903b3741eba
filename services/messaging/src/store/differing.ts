import { limits } from '@parley/protocol'
import { sql } from 'kysely'
import { lastActivity, ownConversations, type OwnConversationRow } from './own-conversations.ts'
import type { Db } from './tables.ts'

/** A conversation of which a client may not have everything. */
export interface DifferingRow extends OwnConversationRow {
  /** The version that the client names; null when it does not name the conversation. */
  readonly namedVersion: number | null
  readonly lastActivityAt: Date
  /** Whether other members' receipts may have been raised since. */
  readonly receiptsRaised: boolean
}

/** What a client has, and what to look for. */
export interface Asking {
  readonly userId: string
  readonly named: readonly { readonly id: string; readonly version: number }[]
  /** Receipts, marks and, with `partial`, memberships are new after this. */
  readonly raisedAfter: Date
  readonly partial: boolean
  /** What answers before have told; null for the first. */
  readonly told: Told | null
  /** What has activity after this may have had none yet when the first of these answers was read. */
  readonly movedAfter: Date
}

export interface Told {
  /** When the first answer was read. */
  readonly startedAt: Date
  /** Of the conversations that the client does not name, those with activity at or after this. */
  readonly newFrom: Place
  /** Of those in which nothing but receipts is new, all up to this id. */
  readonly receiptsTo: string
}

/** In the order of activity. */
export interface Place {
  readonly at: Date
  readonly id: string
}

export interface Differing {
  /** When this was read, or a little before. */
  readonly serverTime: Date
  /** Named, and not the user's. */
  readonly removed: string[]
  /** At most `limit`: with changes, newest activity first; then by id those that have nothing but receipts. */
  readonly rows: DifferingRow[]
}

/** As an id, before every other. */
export const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'

/** One statement, by index: for a client that is up to date all that is read. */
export async function findDiffering(db: Db, asking: Asking, limit: number): Promise<Differing> {
  const { userId, named, raisedAfter, partial, told, movedAfter } = asking
  const ids = named.map(({ id }) => id)
  const versions = named.map(({ version }) => version)
  const isSame = sql<boolean>`(named.version is not distinct from conversations.version)`
  // As `tellsReceipts` in src/domain/capabilities.ts.
  const isRaised = sql<boolean>`(
    conversations.kind <> 'channel' and conversations.member_count <= ${limits.toldMembers}
    and coalesce(conversation_receipts.raised_at > ${raisedAfter}, false))`
  const isTold =
    told === null
      ? sql<boolean>`false`
      : sql<boolean>`(
          (${lastActivity}, conversations.id) >= (${told.newFrom.at}, ${told.newFrom.id})
          and ${lastActivity} <= ${movedAfter})`
  const differing = ownConversations(db, userId)
    .leftJoin('conversationReceipts', 'conversationReceipts.conversationId', 'members.conversationId')
    .leftJoin(
      sql<{ id: string; version: number }>`unnest(${ids}::uuid[], ${versions}::bigint[])`.as<'named'>(
        sql`named (id, version)`,
      ),
      'named.id',
      'members.conversationId',
    )
    .select([
      'named.version as namedVersion',
      lastActivity.as('lastActivityAt'),
      isRaised.as('receiptsRaised'),
      sql<number>`
        row_number() over (
          order by ${isSame},
            case when not ${isSame} then ${lastActivity} end desc,
            case when not ${isSame} then conversations.id end desc,
            conversations.id)`.as('place'),
    ])
    .where(
      sql<boolean>`
        case
          when named.id is null then (not ${partial} or members.joined_at > ${raisedAfter}) and not ${isTold}
          when ${isSame} then conversations.id > ${told?.receiptsTo ?? BEFORE_ALL}
            and (${isRaised} or coalesce(members.raised_at > ${raisedAfter}, false))
          else true
        end`,
    )
    .orderBy('place')
    .limit(limit)
  const { rows } = await sql<{ serverTime: Date; removed: string[] } & (DifferingRow | { readonly id: null })>`
    select answer.*, differing.*
    from (
      select
        date_trunc('milliseconds', now()) as server_time,
        array(
          select id from unnest(${ids}::uuid[]) as named (id)
          where not exists (
            select from members where conversation_id = named.id and user_id = ${userId} and left_at is null)
        ) as removed
    ) answer
    left join lateral ${differing} differing on true
    order by place`.execute(db)
  const { serverTime, removed } = rows[0]!
  return { serverTime, removed, rows: rows.filter((row) => row.id !== null) }
}
