import { createHash, randomUUID } from 'node:crypto'
import type pg from 'pg'

export interface LoadedConversation {
  readonly id: string
  readonly kind: 'direct' | 'group' | 'channel'
  /** The owner, or creator, first. */
  readonly memberIds: readonly string[]
  readonly createdAt: Date
}

const ROWS_AT_ONCE = 2_000

/** Inserts conversations as they are after their creation, with everybody's memberships. */
export async function insertConversations(
  client: pg.Client,
  conversations: readonly LoadedConversation[],
): Promise<void> {
  for (let from = 0; from < conversations.length; from += ROWS_AT_ONCE) {
    const part = conversations.slice(from, from + ROWS_AT_ONCE)
    await client.query(
      `insert into conversations (
        id, kind, title, history_visibility, created_by, created_at, creation_hash, version, last_sequence, member_count,
        changed_minute)
      select id, kind, case kind when 'direct' then null else kind || ' ' || left(id::text, 8) end,
        case kind when 'channel' then 'all' else 'joined' end, created_by, created_at,
        sha256(id::text::bytea), 1, 0, members, date_trunc('minute', created_at)
      from unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::integer[])
        given (id, kind, created_by, created_at, members)`,
      [
        part.map(({ id }) => id),
        part.map(({ kind }) => kind),
        part.map(({ memberIds }) => memberIds[0]),
        part.map(({ createdAt }) => createdAt),
        part.map(({ memberIds }) => memberIds.length),
      ],
    )
    await insertMembers(client, part)
  }
}

async function insertMembers(client: pg.Client, conversations: readonly LoadedConversation[]): Promise<void> {
  const members = conversations.flatMap(({ id, kind, memberIds, createdAt }) =>
    memberIds.map((userId, index) => ({
      id,
      userId,
      createdAt,
      role: kind !== 'direct' && index === 0 ? 'owner' : 'member',
    })),
  )
  await client.query(
    `with given as materialized (
      select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) with ordinality
        given (conversation_id, user_id, role, created_at, n)
    ),
    joined as (
      insert into members (
        conversation_id, user_id, role, joined_at, joined_version, joined_sequence, visible_from_sequence,
        delivered_sequence, read_sequence)
      select conversation_id, user_id, role, created_at, 1, 0, 1, 0, 0 from given
    ),
    numbered as materialized (
      select given.*, coalesce(u.membership_version, 0) + row_number() over (partition by given.user_id order by n) as version
      from given left join users u on u.user_id = given.user_id
    ),
    changed as (
      insert into membership_changes (conversation_id, version, user_id, membership_version, kind, joined_version)
      select conversation_id, 1, user_id, version, 'joined', 1 from numbered
    )
    insert into users (user_id, membership_version) select user_id, max(version) from numbered group by user_id
    on conflict (user_id) do update set membership_version = excluded.membership_version`,
    [
      members.map(({ id }) => id),
      members.map(({ userId }) => userId),
      members.map(({ role }) => role),
      members.map(({ createdAt }) => createdAt),
    ],
  )
}

/** Some of each kind, each with other members, begun in the first tenth of the time. */
export function inventConversations(options: {
  conversations: number
  users: number
  membersPerGroup: number
  from: Date
  to: Date
}): LoadedConversation[] {
  const { conversations, from, to } = options
  const userIds = Array.from({ length: Math.max(2, options.users) }, () => randomUUID())
  const kinds = ['group', 'direct', 'channel', 'group', 'group'] as const
  const pairs = new Set<string>()
  return Array.from({ length: conversations }, (_, index) => {
    const createdAt = new Date(from.getTime() + Math.floor((Math.random() * (to.getTime() - from.getTime())) / 10))
    const wanted = kinds[index % kinds.length]!
    const some = pick(userIds, wanted === 'direct' ? 2 : options.membersPerGroup)
    const pairId = directConversationId(some[0]!, some[1]!)
    const kind = wanted === 'direct' && pairs.has(pairId) ? 'group' : wanted
    if (kind === 'direct') pairs.add(pairId)
    return { id: kind === 'direct' ? pairId : randomUUID(), kind, memberIds: some, createdAt }
  })
}

/** Neighbours: cheap, and a user is in many with the same. */
function pick(userIds: readonly string[], count: number): string[] {
  const first = Math.floor(Math.random() * userIds.length)
  return Array.from(
    { length: Math.min(count, userIds.length) },
    (_, index) => userIds[(first + index) % userIds.length]!,
  )
}

/** As messaging names them: a UUIDv5 of the pair. */
function directConversationId(oneUserId: string, otherUserId: string): string {
  const namespace = Buffer.from('6f0c1b540a3e5d7c9b217a4d4f3c8e10', 'hex')
  const pair = [oneUserId, otherUserId].toSorted().join(':')
  const bytes = createHash('sha1').update(namespace).update(pair).digest()
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex', 0, 16)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
