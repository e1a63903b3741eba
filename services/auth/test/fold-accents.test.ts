import { openPostgres } from '@parley/postgres'
import { silentLog } from '@parley/testing'
import { expect, test } from 'vitest'
import { up } from '../migrations/0008-fold-accents.ts'
import { searchUsers } from '../src/store/user-search.ts'
import type { Tables } from '../src/store/tables.ts'
import { startAuthSystem } from './auth-system.ts'

test('users who were there before names were folded are found like new ones', async () => {
  await using system = await startAuthSystem()
  await using postgres = openPostgres<Tables>({ url: system.databaseUrl, service: 'auth', log: silentLog })
  await system.query('drop table auth.later_beginnings')
  await system.query(`
    insert into auth.users (display_name, folded_name)
    select 'Bulk ' || n, 'bulk ' || n from generate_series(1, 2500) n union all select 'Anna Müller', 'anna müller'`)
  await postgres.db.transaction().execute((transaction) => up(transaction as never))
  const find = async (query: string) =>
    (await searchUsers(postgres.db, query, 20)).map(({ displayName }) => displayName)
  expect(await find('anna mu')).toEqual(['Anna Müller'])
  expect(await find('MULL')).toEqual(['Anna Müller'])
  expect(await find('2500')).toEqual(['Bulk 2500'])
  expect(await system.query('select 1 from auth.later_beginnings')).toHaveLength(2_501)
})
