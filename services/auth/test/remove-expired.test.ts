import { expect, test } from 'vitest'
import { startAuthSystem } from './auth-system.ts'
import { signIn } from './oauth-client.ts'

test('what has expired is removed, also by several instances and in many batches, and the rest stays', async () => {
  await using system = await startAuthSystem()
  {
    await using instance = await system.start()
    await signIn(instance.send, 'ann')
  }
  const count = async () =>
    Number((await system.query<{ count: string }>('select count(*) from auth.oauth_artifacts'))[0]?.count)
  const kept = await count()
  expect(kept).toBeGreaterThan(2)
  await system.query(`
    insert into auth.oauth_artifacts (type, id, payload, expires_at)
    select 'Interaction', n, '{}', now() - interval '5 minutes' from generate_series(1, 3500) n`)
  // Instances do it when they start, and every minute.
  await using _first = await system.start()
  await using _second = await system.start()
  await expect.poll(count, { timeout: 10_000 }).toBe(kept)
})
