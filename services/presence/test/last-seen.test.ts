import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { openPostgres } from '@parley/postgres'
import { silentLog } from '@parley/testing'
import { expect, test, vi } from 'vitest'
import type { Tables } from '../src/store/tables.ts'
import { commandRedis } from './command-redis.ts'
import { startWorld } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

test('when a user was last seen outlives Redis, and is written no more often than configured', async () => {
  await using world = await startWorld()
  await world.start()
  await using postgres = openPostgres<Tables>({ url: world.config.postgresUrl, service: 'presence', log: silentLog })
  const gateway = await world.gateway()
  const ann = randomUUID()
  const stored = async () => (await postgres.db.selectFrom('lastSeen').selectAll().execute())[0]?.lastSeenAt

  async function comeAndGo(): Promise<void> {
    const events = world.said.length
    const connectionId = await gateway.connect(ann)
    await expect.poll(() => world.said.length, PATIENCE).toBe(events + 1)
    await gateway.disconnect(ann, connectionId, 'closed')
    await expect.poll(() => world.said.length, PATIENCE).toBe(events + 2)
  }

  await comeAndGo()
  await expect.poll(stored, PATIENCE).toBeDefined()
  const storedAt = performance.now()
  const first = await stored()

  await comeAndGo()
  await expect.poll(stored, PATIENCE).not.toEqual(first)
  // A second, as configured, less the time until the first write was seen here. Without a limit it would be a twentieth of that.
  expect(performance.now() - storedAt).toBeGreaterThan(400)
  const second = await stored()
  expect(second!.getTime()).toBeGreaterThan(first!.getTime())

  await commandRedis(world.redis.url, 'FLUSHALL')
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('unknown')
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('offline')
  const [state] = await world.ask([ann])
  // The gateway tells Redis once more how long ago it was.
  expect(Math.abs(Date.parse(state!.lastSeenAt!) - second!.getTime())).toBeLessThan(1_000)
})

test('while Postgres cannot store it, the time last seen waits in Redis', async () => {
  await using world = await startWorld()
  await using postgres = openPostgres<Tables>({ url: world.config.postgresUrl, service: 'presence', log: silentLog })
  await postgres.db.schema.alterTable('lastSeen').renameTo('lastSeenAway').execute()
  await world.start()
  const gateway = await world.gateway()
  const ann = randomUUID()
  const connectionId = await gateway.connect(ann)
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online'])
  await gateway.disconnect(ann, connectionId, 'lost')
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'offline'])
  await delay(200)
  await postgres.db.schema.alterTable('lastSeenAway').renameTo('lastSeen').execute()
  await expect
    .poll(() => postgres.db.selectFrom('lastSeen').select('userId').execute(), PATIENCE)
    .toEqual([{ userId: ann }])
})
