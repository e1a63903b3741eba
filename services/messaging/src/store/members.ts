import type { Member, Role } from '@parley/protocol'
import { sql } from 'kysely'
import type { Joining, Leaving } from '../domain/change.ts'
import type { ConversationRow, Db, MemberRow } from './tables.ts'
import { raiseMembershipVersions } from './users.ts'

/** A current member; undefined for a former one. */
export async function findMember(db: Db, conversationId: string, userId: string): Promise<MemberRow | undefined> {
  const [member] = await findMembers(db, conversationId, [userId])
  return member
}

/** Those of the users that are members now. */
export async function findMembers(
  db: Db,
  conversationId: string,
  userIds: readonly string[],
): Promise<readonly MemberRow[]> {
  return db
    .selectFrom('members')
    .selectAll()
    .where('conversationId', '=', conversationId)
    .where('userId', 'in', userIds)
    .where('leftAt', 'is', null)
    .execute()
}

/** Current members in the order they joined, after a place in that order. */
export async function listMembers(
  db: Db,
  conversationId: string,
  page: { after?: { joinedVersion: number; userId: string }; limit: number },
): Promise<readonly MemberRow[]> {
  const { after, limit } = page
  return db
    .selectFrom('members')
    .selectAll()
    .where('conversationId', '=', conversationId)
    .where('leftAt', 'is', null)
    .$if(after !== undefined, (query) =>
      query.where((eb) =>
        eb(eb.refTuple('joinedVersion', 'userId'), '>', eb.tuple(after!.joinedVersion, after!.userId)),
      ),
    )
    .orderBy('joinedVersion')
    .orderBy('userId')
    .limit(limit)
    .execute()
}

export async function countOwners(db: Db, conversationId: string): Promise<number> {
  const { owners } = await db
    .selectFrom('members')
    .select(({ fn }) => fn.countAll<number>().as('owners'))
    .where('conversationId', '=', conversationId)
    .where('role', '=', 'owner')
    .where('leftAt', 'is', null)
    .executeTakeFirstOrThrow()
  return owners
}

/** Who becomes owner when another is to go: the longest-standing admin, else the longest-standing member. */
export async function findSuccessor(db: Db, { conversationId, userId }: MemberKey): Promise<MemberRow | undefined> {
  return db
    .selectFrom('members')
    .selectAll()
    .where('conversationId', '=', conversationId)
    .where('userId', '<>', userId)
    .where('leftAt', 'is', null)
    .orderBy(({ eb }) => eb('role', '=', 'admin'), 'desc')
    .orderBy('joinedVersion')
    .orderBy('userId')
    .limit(1)
    .executeTakeFirst()
}

/**
 * Begins memberships, under the conversation's lock. Who comes back keeps their row and their watermarks; in all else they
 * are like everybody new.
 */
export async function joinMembers(
  db: Db,
  conversation: Pick<ConversationRow, 'id' | 'lastSequence' | 'historyVisibility'>,
  joining: readonly { readonly userId: string; readonly role: Role; readonly version: number }[],
  at: Date,
): Promise<Joining[]> {
  const { id: conversationId, lastSequence, historyVisibility } = conversation
  const rows = joining.map(({ userId, role, version }) => ({
    conversationId,
    userId,
    role,
    joinedAt: at,
    joinedVersion: version,
    joinedSequence: lastSequence,
    visibleFromSequence: historyVisibility === 'all' ? 1 : lastSequence + 1,
    leftAt: null,
    leftVersion: null,
    leftSequence: null,
    deliveredSequence: 0,
    readSequence: 0,
  }))
  const members = await db
    .insertInto('members')
    .values(rows.toSorted((a, b) => (a.userId < b.userId ? -1 : 1)))
    .onConflict((conflict) =>
      conflict.columns(['conversationId', 'userId']).doUpdateSet((eb) => ({
        role: eb.ref('excluded.role'),
        joinedAt: eb.ref('excluded.joinedAt'),
        joinedVersion: eb.ref('excluded.joinedVersion'),
        joinedSequence: eb.ref('excluded.joinedSequence'),
        visibleFromSequence: eb.ref('excluded.visibleFromSequence'),
        leftAt: null,
        leftVersion: null,
        leftSequence: null,
        mutedUntil: null,
      })),
    )
    .returningAll()
    .execute()
  const membershipVersions = await raiseMembershipVersions(
    db,
    members.map(({ userId }) => userId),
  )
  const joined = members
    .map((row) => ({
      version: row.joinedVersion,
      membershipVersion: membershipVersions.get(row.userId)!,
      visibleFromSequence: row.visibleFromSequence,
      readSequence: row.readSequence,
      member: memberOf(row),
    }))
    .toSorted((a, b) => a.version - b.version)
  await db
    .insertInto('membershipChanges')
    .values(
      joined.map(({ version, membershipVersion, member: { userId } }) => ({
        conversationId,
        version,
        userId,
        membershipVersion,
        kind: 'joined' as const,
        joinedVersion: version,
      })),
    )
    .execute()
  return joined
}

/** Ends a membership, under the conversation's lock. */
export async function removeMember(
  db: Db,
  conversation: { readonly id: string; readonly lastSequence: number },
  leaving: { readonly userId: string; readonly version: number },
  at: Date,
): Promise<Leaving> {
  const { id: conversationId, lastSequence } = conversation
  const { userId, version } = leaving
  const row = await db
    .updateTable('members')
    .set({ leftAt: at, leftVersion: version, leftSequence: lastSequence })
    .where('conversationId', '=', conversationId)
    .where('userId', '=', userId)
    .returningAll()
    .executeTakeFirstOrThrow()
  const { joinedVersion, visibleFromSequence } = row
  const membershipVersion = (await raiseMembershipVersions(db, [userId])).get(userId)!
  await db
    .insertInto('membershipChanges')
    .values({ conversationId, version, userId, membershipVersion, kind: 'left', joinedVersion })
    .execute()
  return { version, joinedVersion, membershipVersion, visibleFromSequence, member: memberOf(row) }
}

/** Gives a member another role, under the conversation's lock, as this version of it. */
export async function setRole(
  db: Db,
  { conversationId, userId }: MemberKey,
  { role, version }: { readonly role: Role; readonly version: number },
): Promise<{ member: Member; membershipVersion: number }> {
  const row = await db
    .updateTable('members')
    .set({ role })
    .where('conversationId', '=', conversationId)
    .where('userId', '=', userId)
    .returningAll()
    .executeTakeFirstOrThrow()
  const { joinedVersion } = row
  await db
    .insertInto('membershipChanges')
    .values({ conversationId, version, userId, membershipVersion: null, kind: 'changed', joinedVersion })
    .execute()
  return { member: memberOf(row), membershipVersion: await raiseOwnVersion(db, { conversationId, userId }) }
}

/** The user's `membershipVersion` with it. Undefined when there is nothing to change: they are no member, or it is so already. */
export async function setMute(
  db: Db,
  { conversationId, userId }: MemberKey,
  mutedUntil: Date | null,
): Promise<number | undefined> {
  const changed = await db
    .updateTable('members')
    .set({ mutedUntil, raisedAt: sql<Date>`clock_timestamp()` })
    .where('conversationId', '=', conversationId)
    .where('userId', '=', userId)
    .where('leftAt', 'is', null)
    .where('mutedUntil', 'is distinct from', mutedUntil)
    .returning('userId')
    .executeTakeFirst()
  return changed && raiseOwnVersion(db, { conversationId, userId })
}

interface MemberKey {
  readonly conversationId: string
  readonly userId: string
}

/** Only now that the member is locked: users come last. */
async function raiseOwnVersion(db: Db, { conversationId, userId }: MemberKey): Promise<number> {
  const membershipVersion = (await raiseMembershipVersions(db, [userId])).get(userId)!
  await db
    .updateTable('members')
    .set({ ownVersion: membershipVersion })
    .where('conversationId', '=', conversationId)
    .where('userId', '=', userId)
    .execute()
  return membershipVersion
}

/** As other members see it. */
export function memberOf(row: MemberRow): Member {
  const { userId, role, deliveredSequence, shownReadSequence: readSequence } = row
  return {
    userId,
    role,
    joinedAt: row.joinedAt.toISOString(),
    leftAt: row.leftAt?.toISOString() ?? null,
    deliveredSequence,
    readSequence,
  }
}
