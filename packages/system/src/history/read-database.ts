import pg from 'pg'
import type { DatabaseRows, MemberRow, MessageRow } from './evidence.ts'

/** Reads the tables of `messaging`, as an operator would, of these conversations. */
export async function readDatabase(adminUrl: string, conversationIds: readonly string[]): Promise<DatabaseRows> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const rows = async <Row extends pg.QueryResultRow>(query: string) =>
      (await client.query<Row>(query, [conversationIds])).rows
    await client.query('begin isolation level repeatable read read only')
    return {
      conversations: await rows<DatabaseRows['conversations'][number]>(`
        select id, last_sequence::int as "lastSequence", version::int
        from messaging.conversations where id = any($1)`),
      messages: await rows<MessageRow>(`
        select id, conversation_id as "conversationId", sequence::int, version::int, sender_id as "senderId", text,
          to_jsonb(m) ->> 'deleted_at' is not null as "isDeleted"
        from messaging.messages m where conversation_id = any($1)`),
      members: await rows<MemberRow>(`
        select conversation_id as "conversationId", user_id as "userId", joined_sequence::int as "joinedSequence",
          greatest(delivered_sequence, read_sequence)::int as "deliveredSequence", read_sequence::int as "readSequence"
        from messaging.members where conversation_id = any($1) and left_at is null`),
    }
  } finally {
    await client.end()
  }
}
