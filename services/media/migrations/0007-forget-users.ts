import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Who is in it reserves nothing any more.
  await sql`
    create table erased_users (
      user_id uuid primary key,
      erased_at timestamptz not null default clock_timestamp()
    )`.execute(db)
  await sql`
    alter table uploads
      -- Avatars of conversations stay when their uploader is erased.
      alter column uploaded_by drop not null,
      add constraint uploader_is_known check (uploaded_by is not null or avatar_of like 'conversation:%')`.execute(db)
  await sql`
    update uploads set name = '', checked_etag = null, width = null, height = null, blurhash = null, duration_ms = null, pages = null
    where state = 'deleted'`.execute(db)
  await sql`create index live_uploads_of_user on uploads (uploaded_by, id) where state <> 'deleted'`.execute(db)
  await sql`
    create index uploads_to_forget on uploads (created_at)
    where state = 'deleted' and removed_at is not null and (message_id is not null or avatar_of is not null)`.execute(
    db,
  )
}
