import { describeSchema, migrate, openPostgres } from '@parley/postgres'
import { silentLog, testDatabase } from '@parley/testing'
import { expect, test } from 'vitest'
import { migrations } from './world.ts'

test('schema.sql is what the migrations make', async () => {
  await using database = await testDatabase('messaging')
  await migrate({ url: database.url, service: 'messaging', folder: migrations, log: silentLog })
  await using postgres = openPostgres<unknown>({ url: database.url, service: 'messaging', log: silentLog })
  await expect(await describeSchema(postgres.db, 'messaging')).toMatchFileSnapshot('../schema.sql')
})
