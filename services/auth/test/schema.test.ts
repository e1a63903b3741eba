import { describeSchema, openPostgres } from '@parley/postgres'
import { silentLog, testDatabase } from '@parley/testing'
import { expect, test } from 'vitest'
import { migrateAuth } from './auth-system.ts'

test('schema.sql is what the migrations make', async () => {
  await using database = await testDatabase('auth')
  await migrateAuth(database.url)
  await using postgres = openPostgres<unknown>({ url: database.url, service: 'auth', log: silentLog })
  await expect(await describeSchema(postgres.db, 'auth')).toMatchFileSnapshot('../schema.sql')
})
