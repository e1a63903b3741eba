import type pg from 'pg'
import type { LoadedConversation } from './conversations.ts'

/** Of all messages, how many have one: from 0 to 1. */
export interface Shares {
  readonly edits: number
  readonly reactions: number
  readonly attachments: number
  readonly mentions: number
}

/**
 * Writes messages into conversations that have none, evenly over the time from their creation to `to`: gapless sequences, then
 * the versions of edits and reactions after those of the messages; and the conversation, its members' watermarks, the read log
 * and unread mentions as they are after all that. Members have read about nine in ten.
 */
export async function insertMessages(
  client: pg.Client,
  options: { conversations: readonly LoadedConversation[]; messages: readonly number[]; to: Date; shares: Shares },
): Promise<void> {
  const { conversations, messages, to, shares } = options
  await client.query('begin')
  // The role may not make temporary tables.
  await client.query(
    `create unlogged table loading as
    with numbered as (
      select given.id as conversation_id, given.messages, given.members, s as sequence,
        date_trunc('milliseconds', given.created_at + ($5::timestamptz - given.created_at) * (s::float8 / (given.messages + 1)))
          as created_at,
        case given.kind when 'channel' then given.members[1]
          else given.members[1 + floor(random() * cardinality(given.members))::integer] end as sender_id,
        given.members[1 + floor(random() * cardinality(given.members))::integer] as other_id,
        (random() < $6::float8)::integer as edited, (random() < $7::float8)::integer as reacted,
        random() < $8::float8 as attached, random() < $9::float8 as mentioned
      from (
        select id, kind, created_at, messages, string_to_array(member_ids, ' ')::uuid[] as members
        from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::integer[], $10::text[])
          given (id, kind, created_at, messages, member_ids)) given
      cross join lateral generate_series(1, given.messages) s
    )
    select *, new_id_at(created_at) as id, sequence + 1 as created_version,
      -- After this message, how many changes there were besides creations.
      sum(edited + reacted) over (partition by conversation_id order by sequence) as changes
    from numbered`,
    [
      conversations.map(({ id }) => id),
      conversations.map(({ kind }) => kind),
      conversations.map(({ createdAt }) => createdAt),
      messages,
      to,
      shares.edits,
      shares.reactions,
      shares.attachments,
      shares.mentions,
      conversations.map(({ memberIds }) => memberIds.join(' ')),
    ],
  )
  await client.query(`
    insert into messages (
      id, conversation_id, sequence, created_version, version, sender_id, text, reply_to, mentions, content_hash, created_at,
      attachments, reactions, edited_at)
    select id, conversation_id, sequence, created_version,
      case when edited + reacted > 0 then messages + 1 + changes else created_version end,
      sender_id, 'message ' || sequence || repeat(' and so on', (random() * 12)::integer), null,
      case when mentioned and other_id <> sender_id then array[other_id] else '{}' end,
      sha256(id::text::bytea), created_at,
      case when attached then jsonb_build_array(jsonb_build_object(
        'id', gen_random_uuid(), 'name', 'notes.txt', 'type', 'text/plain', 'size', 1 + floor(random() * 100000)::integer,
        'width', null, 'height', null, 'blurhash', null, 'durationMs', null, 'pages', null)) else '[]' end,
      case when reacted = 1 then jsonb_build_array(jsonb_build_object(
        'emoji', '👍', 'count', 1, 'userIds', jsonb_build_array(other_id))) else '[]' end,
      case when edited = 1 then created_at + interval '1 second' end
    from loading`)
  await client.query(`
    insert into message_edits (message_id, version, text, mentions, replaced_at)
    select id, messages + 1 + changes - reacted, 'what it said before', '{}', created_at + interval '1 second'
    from loading where edited = 1`)
  await client.query(`
    insert into reactions (message_id, emoji, user_id, reacted_at)
    select id, '👍', other_id, created_at + interval '2 seconds' from loading where reacted = 1`)
  // A read of all but the sender a minute after each tenth message.
  await client.query(
    `
    insert into read_log (id, conversation_id, user_ids, sequences)
    select new_id_at(created_at + interval '1 minute'), conversation_id, members,
      array_fill(sequence::bigint, array[cardinality(members)])
    from loading where sequence % 10 = 0 and created_at + interval '1 minute' < $1`,
    [to],
  )
  await client.query(`
    update conversations c
    set version = last.sequence + 1 + last.changes, last_sequence = last.sequence, last_message_id = last.id,
      last_message_at = last.created_at, changed_minute = date_trunc('minute', last.created_at)
    from loading last
    where last.sequence = last.messages and c.id = last.conversation_id`)
  await client.query(`
    update members m
    set delivered_sequence = last.sequence, read_sequence = last.sequence * 9 / 10,
      shown_read_sequence = last.sequence * 9 / 10, raised_at = last.created_at
    from loading last
    where last.sequence = last.messages and m.conversation_id = last.conversation_id`)
  await client.query(`
    insert into conversation_receipts (conversation_id, raised_at)
    select conversation_id, created_at from loading where sequence = messages`)
  await client.query(`
    insert into unread_mentions (user_id, conversation_id, sequence, message_id)
    select other_id, conversation_id, sequence, id from loading
    where mentioned and other_id <> sender_id and sequence > messages * 9 / 10`)
  await client.query('drop table loading')
  await client.query('commit')
}
