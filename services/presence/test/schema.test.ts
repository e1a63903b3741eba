import { readFile } from 'node:fs/promises'
import { describeSchema, migrate, openPostgres } from '@parley/postgres'
import { silentLog, testDatabase } from '@parley/testing'
import { expect, test } from 'vitest'

test('schema.sql is what the migrations make', async () => {
  await using database = await testDatabase('presence')
  const folder = new URL('../migrations/', import.meta.url)
  await migrate({ url: database.url, service: 'presence', folder, log: silentLog })
  await using postgres = openPostgres<unknown>({ url: database.url, service: 'presence', log: silentLog })
  const written = await readFile(new URL('../schema.sql', import.meta.url), 'utf8')
  expect(await describeSchema(postgres.db, 'presence')).toBe(written)
})
