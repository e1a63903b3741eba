import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // When it takes the place of the one before. Until then it is only published, so that everybody knows it in time.
  await sql`alter table signing_keys add column signs_from timestamptz(3)`.execute(db)
  await sql`update signing_keys set signs_from = created_at`.execute(db)
  await sql`alter table signing_keys alter column signs_from set not null`.execute(db)
}
