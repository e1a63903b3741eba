import { describeSchema, migrate, openPostgres } from '@parley/postgres'
import { silentLog, testDatabase } from '@parley/testing'
import { expect, test } from 'vitest'

test('schema.sql says what the migrations make', async () => {
  await using database = await testDatabase('presence')
  const folder = new URL('../migrations/', import.meta.url)
  await migrate({ url: database.url, service: 'presence', folder, log: silentLog })
  await using postgres = openPostgres({ url: database.url, service: 'presence', log: silentLog })
  await expect(await describeSchema(postgres.db, 'presence')).toMatchFileSnapshot('../schema.sql')
})
