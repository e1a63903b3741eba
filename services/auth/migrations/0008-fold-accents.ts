import { sql, type Kysely } from 'kysely'
import { laterBeginnings, searchedName } from '../src/domain/searched-name.ts'

const USERS_AT_ONCE = 1_000

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table later_beginnings (
      -- Of a folded name from its second word on, from its third on, and so on; in byte order, as folded names.
      beginning text collate "C" not null,
      user_id uuid not null references users (id),
      primary key (beginning, user_id)
    )`.execute(db)
  await sql`create index later_beginnings_user_id on later_beginnings (user_id)`.execute(db)
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows: users } = await sql<{ id: string; displayName: string }>`
      select id, display_name from users where id > ${after} order by id limit ${USERS_AT_ONCE}`.execute(db)
    if (users.length === 0) return
    const folded = users.map(({ id, displayName }) => ({ id, name: searchedName(displayName) }))
    await sql`
      update users set folded_name = folded.name
      from unnest(${folded.map(({ id }) => id)}::uuid[], ${folded.map(({ name }) => name)}::text[]) as folded (id, name)
      where users.id = folded.id`.execute(db)
    const later = folded.flatMap(({ id, name }) => laterBeginnings(name).map((beginning) => ({ id, beginning })))
    await sql`
      insert into later_beginnings (beginning, user_id)
      select * from unnest(${later.map(({ beginning }) => beginning)}::text[], ${later.map(({ id }) => id)}::uuid[])`.execute(
      db,
    )
    after = users.at(-1)!.id
  }
}
