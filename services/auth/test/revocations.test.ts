import { testNats } from '@parley/testing'
import { expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem } from './auth-system.ts'
import { beginSession, hearRevocations, makeUser, startSessions } from './session-instance.ts'

async function listAfter(system: AuthSystem, after: number) {
  const answer = await system.calls.listRevocations({ after })
  if (!answer.ok) throw new Error('refused')
  return answer.value
}

test('who follows by positions misses none of 30 revocations at once, by three instances', async () => {
  await using system = await startAuthSystem()
  await using _service = await system.start()
  await using first = await startSessions(system)
  await using second = await startSessions(system)
  await using third = await startSessions(system)
  const instances = [first, second, third]
  const userId = await makeUser(system)
  const ids = await Promise.all(Array.from({ length: 30 }, () => beginSession(first, userId)))

  let ending = true
  const followed: (string | undefined)[] = []
  async function follow(): Promise<void> {
    let after = 0
    for (let last = false; !last;) {
      last = !ending
      const { revocations, position } = await listAfter(system, after)
      for (const revocation of revocations) {
        expect(revocation.position).toBe(followed.length + 1)
        followed.push(revocation.sessionId)
      }
      expect(position).toBeGreaterThanOrEqual(after)
      after = position
    }
  }
  const following = follow()
  await Promise.all(ids.map((id, index) => instances[index % 3]!.sessions.end(id, 'removed_by_user')))
  ending = false
  await following
  expect(followed).toHaveLength(ids.length)
  expect(new Set(followed)).toEqual(new Set(ids))
})

test('revocations come in pages of 1000, in order, without those that can be forgotten', async () => {
  await using system = await startAuthSystem()
  await using _service = await system.start()
  const userId = await makeUser(system)
  await system.query(`
    insert into auth.revocations (position, user_id, session_id, at, forgotten_at)
    select n, '${userId}', 's' || n, now(), now() + case when n % 10 = 0 then interval '-1 second' else interval '1 hour' end
    from generate_series(1, 2500) n`)
  await system.query('update auth.revocation_counter set position = 2500')
  const positions: number[] = []
  let after = 0
  let pages = 0
  for (let more = true; more; pages += 1) {
    const page = await listAfter(system, after)
    expect(page.revocations.length).toBeLessThanOrEqual(1_000)
    positions.push(...page.revocations.map(({ position }) => position))
    after = page.position
    more = page.hasMore
  }
  expect(positions).toEqual(Array.from({ length: 2_500 }, (_, index) => index + 1).filter((n) => n % 10 !== 0))
  expect(pages).toBe(3)
  expect(await listAfter(system, after)).toEqual({ revocations: [], position: 2500, hasMore: false })
})

test('gateways are told at once, and every second how far revocations have come', async () => {
  await using system = await startAuthSystem()
  await using _service = await system.start()
  await using instance = await startSessions(system)
  await using gateway = await hearRevocations(system)
  await expect.poll(() => gateway.heard.filter(({ position }) => position === 0).length).toBeGreaterThanOrEqual(2)
  const id = await beginSession(instance, await makeUser(system))
  const endedAt = performance.now()
  await instance.sessions.end(id, 'revoked')
  await expect
    .poll(() => gateway.heard.some(({ revocations }) => revocations[0]?.sessionId === id), { interval: 5 })
    .toBe(true)
  expect(performance.now() - endedAt).toBeLessThan(1_000)
  await expect.poll(() => gateway.heard.at(-1)).toEqual({ position: 1, revocations: [] })
})

test('an instance that dies between COMMIT and its notice is made good for by another', async () => {
  await using system = await startAuthSystem()
  await using ownNats = await testNats()
  await using gateway = await hearRevocations(system)
  await using dying = await startSessions(system, ownNats.url)
  const userId = await makeUser(system)
  const id = await beginSession(dying, userId)
  await ownNats.kill()
  expect(await dying.sessions.end(id, 'removed_by_admin')).toBe(true)
  expect(gateway.heard).toEqual([])

  await using _service = await system.start()
  await expect.poll(() => gateway.heard.at(-1)?.position, { timeout: 2_000 }).toBe(1)
  expect((await listAfter(system, 0)).revocations).toMatchObject([{ position: 1, userId, sessionId: id }])
  await expect.poll(() => system.query('select 1 from auth.outbox'), { timeout: 15_000 }).toEqual([])
  const { streams } = await system.bus.nats.jetstreamManager()
  const event = await streams.getMessage('AUTH', { last_by_subj: 'auth.event.session-revoked' })
  expect(event.json()).toMatchObject({ userId, sessionId: id, reason: 'removed_by_admin' })
})

test('while NATS is away sessions end, and when it is back their position is told', async () => {
  await using system = await startAuthSystem()
  await using _service = await system.start()
  await using instance = await startSessions(system)
  const id = await beginSession(instance, await makeUser(system))
  await system.nats.kill()
  expect(await instance.sessions.end(id, 'revoked')).toBe(true)
  expect(await instance.sessions.use(id)).toBe(false)
  await system.nats.restart()
  await expect
    .poll(
      () =>
        system.bus.check().then(
          () => true,
          () => false,
        ),
      { timeout: 10_000 },
    )
    .toBe(true)
  await using gateway = await hearRevocations(system)
  await expect.poll(() => gateway.heard.at(-1)?.position, { timeout: 10_000 }).toBe(1)
})

test('what is long over is removed in batches by several instances, and the rest stays', async () => {
  await using system = await startAuthSystem()
  const userId = await makeUser(system)
  const days = (column: string) => `now() - n * interval '1 day' as ${column}`
  await system.query(`
    insert into auth.sessions (id, user_id, client, external, last_used_at, ended_at, end_reason)
    select 'unused-' || n, '${userId}'::uuid, 'c', false, ${days('l')}, null, null from unnest(array[1, 32, 180, 182, 400]) n union all
    select 'ended-' || n, '${userId}', 'c', false, ${days('l')}, ${days('e')}, 'revoked' from unnest(array[1, 30, 32]) n union all
    select 'comes-back', '${userId}', 'i', true, now(), now() - interval '90 days', 'revoked' union all
    select 'bulk-' || n, '${userId}', 'c', false, now() - interval '1 year', null, null from generate_series(1, 2500) n`)
  await system.query(`
    insert into auth.revocations (position, user_id, at, forgotten_at)
    select n, '${userId}', now(), now() + (n - 2502) * interval '3 minutes' from generate_series(1, 2503) n`)
  await using _first = await system.start()
  await using _second = await system.start()
  const left = async () =>
    (await system.query<{ id: string }>('select id from auth.sessions order by id')).map(({ id }) => id)
  await expect
    .poll(left, { timeout: 10_000 })
    .toEqual(['comes-back', 'ended-1', 'ended-30', 'unused-1', 'unused-180', 'unused-32'])
  const positions = () => system.query('select position::integer from auth.revocations order by 1')
  await expect.poll(positions, { timeout: 10_000 }).toEqual([{ position: 2502 }, { position: 2503 }])
})
