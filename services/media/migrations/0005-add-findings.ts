import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table uploads
      alter column conversation_id drop not null,
      drop constraint uploads_state_check,
      drop constraint checked_is_known,
      drop constraint settled_has_time,
      drop constraint rejected_has_reason,
      add constraint uploads_state_check check (state in ('pending', 'checking', 'ready', 'rejected', 'deleted')),
      add constraint checked_is_known check (state not in ('checking', 'ready', 'rejected') or checked_etag is not null),
      add constraint settled_has_time check (state not in ('ready', 'rejected') or settled_at is not null),
      add constraint rejected_has_reason check (state <> 'rejected' or rejected_reason is not null),
      add column width integer,
      add column height integer,
      add column blurhash text,
      add column duration_ms bigint,
      add column pages integer,
      -- Of a file that comes in parts: what S3 calls their gathering.
      add column multipart_id text,
      -- How large each of them is but the last.
      add column part_bytes bigint,
      add column check_attempts integer not null default 0,
      -- When a check that is due, or that has not ended in time, may begin.
      add column check_at timestamptz,
      -- As the service that shows it names it: user:<id> or conversation:<id>.
      add column avatar_of text,
      -- When it became a part of a message or an avatar.
      add column used_at timestamptz,
      -- When the message, or the owner of the avatar, was last asked and knew it.
      add column verified_at timestamptz,
      add column deleted_at timestamptz,
      -- When its objects are to be removed; at once, if it is not set.
      add column remove_at timestamptz,
      -- Until when nobody else removes its objects: somebody is at it, or has just failed.
      add column removal_held_until timestamptz,
      -- When nothing of it was left in the bucket.
      add column removed_at timestamptz,
      -- Since when its object is known not to be there.
      add column missing_since timestamptz,
      add constraint avatar_has_no_conversation check (avatar_of is null or conversation_id is null),
      add constraint deleted_has_time check ((state = 'deleted') = (deleted_at is not null))`.execute(db)
  await sql`create index checks_due on uploads (check_at) where state = 'checking'`.execute(db)
  await sql`create index uploads_of_user on uploads (uploaded_by, created_at)`.execute(db)
  await sql`
    create index uploads_to_remove on uploads (remove_at)
    where state in ('deleted', 'rejected') and removed_at is null`.execute(db)
  await sql`
    create index uploads_unused on uploads (created_at)
    where message_id is null and avatar_of is null and state <> 'deleted'`.execute(db)
  await sql`create index uploads_to_verify on uploads (used_at) where verified_at is null and state = 'ready'`.execute(
    db,
  )
  await sql`create index uploads_by_removal on uploads (removed_at) where state = 'deleted'`.execute(db)
  await sql`create index avatars_of_owner on uploads (avatar_of) where avatar_of is not null`.execute(db)
  // In the order of their objects' keys.
  await sql`
    create index uploads_ready on uploads (date_trunc('month', created_at at time zone 'UTC'), id)
    where state = 'ready'`.execute(db)
}
