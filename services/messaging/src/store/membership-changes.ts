import type { TopicChange } from '@parley/contracts'
import type { Conversation } from '@parley/protocol'
import { sql } from 'kysely'
import { conversationUpdated, memberChanged, memberJoined, memberLeft } from '../domain/topic-changes.ts'
import { memberOf } from './members.ts'
import type { ConversationRow, Db } from './tables.ts'

/** Versions of a conversation: those above `after`, up to `to`. */
export interface Versions {
  readonly after: number
  readonly to: number
}

const tellers = { joined: memberJoined, changed: memberChanged, left: memberLeft }

/** Memberships that began, changed or ended, and the conversation when it was itself changed last, with the members it had then. */
export async function membershipsOneByOne(
  db: Db,
  { id, updatedVersion }: ConversationRow,
  told: Conversation,
  { after, to }: Versions,
): Promise<TopicChange[]> {
  const rows = await db
    .selectFrom('membershipChanges')
    .innerJoin('members', (join) =>
      join
        .onRef('members.conversationId', '=', 'membershipChanges.conversationId')
        .onRef('members.userId', '=', 'membershipChanges.userId'),
    )
    .selectAll('members')
    .select(['membershipChanges.kind', 'membershipChanges.version'])
    .where('membershipChanges.conversationId', '=', id)
    .where('membershipChanges.version', '>', after)
    .where('membershipChanges.version', '<=', to)
    .execute()
  const changes = rows.map((row) => tellers[row.kind](id, row.version, memberOf(row)))
  const isUpdated = updatedVersion > after && updatedVersion <= to
  if (!isUpdated) return changes
  // Whoever counts members along counts those who came and went after this version by their own changes.
  const memberCount = told.memberCount - (await membersGainedAfter(db, id, updatedVersion))
  return [...changes, conversationUpdated({ ...told, version: updatedVersion, memberCount })]
}

async function membersGainedAfter(db: Db, conversationId: string, version: number): Promise<number> {
  const { gained } = await db
    .selectFrom('membershipChanges')
    .select(
      sql<number>`(count(*) filter (where kind = 'joined') - count(*) filter (where kind = 'left'))::int`.as('gained'),
    )
    .where('conversationId', '=', conversationId)
    .where('version', '>', version)
    .executeTakeFirstOrThrow()
  return gained
}

/**
 * In a large conversation one update, at the last of these versions, stands for all of them. But each end of a membership is
 * told at its own: connections must learn that it was their last.
 */
export async function membershipsAsConversation(
  db: Db,
  { id, updatedVersion }: ConversationRow,
  told: Conversation,
  { after, to }: Versions,
): Promise<TopicChange[]> {
  const rows = await db
    .selectFrom('membershipChanges')
    .select(['version', 'kind', 'userId'])
    .where('conversationId', '=', id)
    .where('version', '>', after)
    .where('version', '<=', to)
    .orderBy('version')
    .execute()
  const isUpdated = updatedVersion > after && updatedVersion <= to
  const last = Math.max(rows.at(-1)?.version ?? 0, isUpdated ? updatedVersion : 0)
  const left = rows.filter(({ kind }) => kind === 'left')
  const ends = left.map(({ version, userId }) => standingFor(rows, { ...told, version }, { left: userId }))
  return last === 0 || left.at(-1)?.version === last ? ends : [...ends, standingFor(rows, { ...told, version: last })]
}

/** Those before it that follow each other without a gap: other changes are told at theirs. */
function standingFor(
  rows: readonly { readonly version: number; readonly kind: string }[],
  conversation: Conversation,
  besides: { left?: string } = {},
): TopicChange {
  const untold = new Set(rows.filter(({ kind }) => kind !== 'left').map(({ version }) => version))
  let afterVersion = conversation.version - 1
  while (untold.has(afterVersion)) afterVersion -= 1
  return conversationUpdated(conversation, {
    ...besides,
    ...(afterVersion < conversation.version - 1 && { afterVersion }),
  })
}
