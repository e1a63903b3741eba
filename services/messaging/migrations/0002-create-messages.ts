import { sql, type Kysely } from 'kysely'

/** The months themselves come and go with time: see `src/store/months.ts`. There is no default one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table messages (
      id uuid primary key,
      conversation_id uuid not null,
      sequence bigint not null,
      created_version bigint not null,
      version bigint not null,
      sender_id uuid not null,
      text text not null,
      reply_to uuid,
      mentions uuid[] not null,
      content_hash bytea not null,
      created_at timestamptz not null
    ) partition by range (id)`.execute(db)
  // Not unique: a partitioned table could only promise it per month. The locked counter of the conversation does.
  await sql`create index messages_by_sequence on messages (conversation_id, sequence)`.execute(db)
  await sql`create index messages_by_version on messages (conversation_id, version)`.execute(db)
}
