import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem } from './auth-system.ts'
import { beginSession, hearRevocations, makeUser, startSessions, type SessionInstance } from './session-instance.ts'

let system: AuthSystem
let first: SessionInstance
let second: SessionInstance
beforeAll(async () => {
  system = await startAuthSystem()
  ;[first, second] = await Promise.all([startSessions(system), startSessions(system)])
})
afterAll(async () => {
  await first?.[Symbol.asyncDispose]()
  await second?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

const sessionOf = async (id: string) =>
  (
    await system.query<Record<string, unknown>>(
      `select user_id, client, name, ended_at, end_reason, last_used_at from auth.sessions where id = '${id}'`,
    )
  )[0]
const revocationsOf = (userId: string) =>
  system.query<{ session_id: string | null; token_id: string | null; seconds: number }>(
    `select session_id, token_id, extract(epoch from forgotten_at - at)::integer as seconds
     from auth.revocations where user_id = '${userId}' order by position`,
  )
const entriesOf = (userId: string) =>
  system.query<{ action: string; actor_id: string | null; details: Record<string, unknown> }>(
    `select action, actor_id, details from auth.audit_entries where user_id = '${userId}' order by id`,
  )
const usedLongAgo = (id: string) =>
  system.query(`update auth.sessions set last_used_at = now() - interval '11 minutes' where id = '${id}'`)

describe('a session', () => {
  test('begun twenty times at once at two instances is one, and is written down once', async () => {
    const userId = await makeUser(system)
    const id = randomUUID()
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => beginSession(index % 2 === 0 ? first : second, userId, id)),
    )
    expect(await sessionOf(id)).toMatchObject({
      user_id: userId,
      client: 'parley-web',
      name: 'Firefox',
      ended_at: null,
    })
    expect(await entriesOf(userId)).toEqual([
      { action: 'session-begun', actor_id: userId, details: { sessionId: id, client: 'parley-web' } },
    ])
  })

  test('begun again keeps its name when no other is known', async () => {
    const userId = await makeUser(system)
    const id = await beginSession(first, userId)
    await first.sessions.begin({ id, userId, client: 'other', name: null, browserId: null })
    expect(await sessionOf(id)).toMatchObject({ client: 'parley-web', name: 'Firefox' })
    await first.sessions.begin({ id, userId, client: 'other', name: 'Safari', browserId: null })
    expect(await sessionOf(id)).toMatchObject({ client: 'parley-web', name: 'Safari' })
  })

  test('that is used again within ten minutes is not written again', async () => {
    const id = await beginSession(first, await makeUser(system))
    const begun = await sessionOf(id)
    expect(await first.sessions.use(id)).toBe(true)
    expect(await sessionOf(id)).toEqual(begun)
    await usedLongAgo(id)
    expect(await first.sessions.use(id)).toBe(true)
    const used = await sessionOf(id)
    expect(Number(used?.['last_used_at'])).toBeGreaterThanOrEqual(Number(begun?.['last_used_at']))
  })

  test('that nobody began can not be used or ended', async () => {
    expect(await first.sessions.use(randomUUID())).toBe(false)
    expect(await first.sessions.end(randomUUID(), 'revoked')).toBe(false)
  })

  test('ended twenty times at once at two instances ends once, with one revocation, entry and event', async () => {
    await using gateway = await hearRevocations(system)
    const userId = await makeUser(system)
    const id = await beginSession(first, userId)
    const ends = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? first : second).sessions.end(id, 'removed_by_user', { actorId: userId }),
    )
    expect((await Promise.all(ends)).filter(Boolean)).toHaveLength(1)

    expect(await revocationsOf(userId)).toEqual([{ session_id: id, token_id: null, seconds: 720 }])
    expect((await entriesOf(userId)).at(-1)).toEqual({
      action: 'session-ended',
      actor_id: userId,
      details: { sessionId: id, client: 'parley-web', reason: 'removed_by_user' },
    })
    expect(await entriesOf(userId)).toHaveLength(2)
    const told = () => gateway.heard.flatMap(({ revocations }) => revocations).filter((told) => told.userId === userId)
    await expect.poll(told).toMatchObject([{ sessionId: id }])
    expect(await eventsOf(userId)).toMatchObject([{ sessionId: id, tokenId: null, reason: 'removed_by_user' }])
  })

  test('that has ended is neither used nor begun again', async () => {
    const userId = await makeUser(system)
    const id = await beginSession(first, userId)
    await first.sessions.end(id, 'signed_out')
    const ended = await sessionOf(id)
    await beginSession(second, userId, id)
    expect(await second.sessions.use(id)).toBe(false)
    expect(await sessionOf(id)).toEqual(ended)
  })

  test('whose end could not be committed has not ended, and nobody was told', async () => {
    await using gateway = await hearRevocations(system)
    const userId = await makeUser(system)
    const id = await beginSession(first, userId)
    await system.query('alter table auth.revocations add constraint broken check (false) not valid')
    try {
      await expect(first.sessions.end(id, 'revoked')).rejects.toThrow('broken')
    } finally {
      await system.query('alter table auth.revocations drop constraint broken')
    }
    expect(await first.sessions.use(id)).toBe(true)
    expect(gateway.heard.flatMap(({ revocations }) => revocations)).toEqual([])
    expect(await first.sessions.end(id, 'revoked')).toBe(true)
  })
})

async function eventsOf(userId: string): Promise<unknown[]> {
  await expect.poll(() => system.query('select 1 from auth.outbox')).toEqual([])
  const { streams } = await system.bus.nats.jetstreamManager()
  const { state } = await streams.info('AUTH')
  const events: { userId?: string }[] = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await streams.getMessage('AUTH', { seq })
    if (message.subject === 'auth.event.session-revoked') events.push(message.json())
  }
  return events.filter((event) => event.userId === userId)
}

describe('all sessions of a user', () => {
  test('end, and tokens that name none are good no more either; those of others go on', async () => {
    const [userId, other] = [await makeUser(system), await makeUser(system)]
    const ids = [await beginSession(first, userId), await beginSession(first, userId)]
    const others = await beginSession(first, other)
    expect(await first.sessions.endAllOf(userId, 'removed_by_admin', { actorId: other })).toBe(2)
    const revoked = await revocationsOf(userId)
    expect(new Set(revoked.map(({ session_id: id }) => id))).toEqual(new Set([...ids, null]))
    expect(revoked).toHaveLength(3)
    expect(revoked.find(({ session_id: id }) => id === null)).toMatchObject({ seconds: 24 * 3_600 + 300 })
    expect(await first.sessions.use(others)).toBe(true)
    expect(await first.sessions.endAllOf(userId, 'removed_by_admin')).toBe(0)
    expect(await eventsOf(userId)).toContainEqual(expect.objectContaining({ sessionId: null, tokenId: null }))
  })

  test('but one end', async () => {
    const userId = await makeUser(system)
    const kept = await beginSession(first, userId)
    const gone = await beginSession(first, userId)
    expect(await first.sessions.endAllOf(userId, 'removed_by_user', { except: kept })).toBe(1)
    expect(await first.sessions.use(kept)).toBe(true)
    expect(await first.sessions.use(gone)).toBe(false)
    const revoked = await revocationsOf(userId)
    expect(revoked).toHaveLength(2)
    expect(new Set(revoked.map(({ session_id: id }) => id))).toEqual(new Set([gone, null]))
  })

  test('end also when they are more than one transaction takes, ended twice at once', async () => {
    const userId = await makeUser(system)
    await system.query(
      `insert into auth.sessions (id, user_id, client, external)
       select 'many-' || n || '${userId}', '${userId}', 'parley-web', false from generate_series(1, 1200) n`,
    )
    const ended = await Promise.all([
      first.sessions.endAllOf(userId, 'removed_by_admin'),
      second.sessions.endAllOf(userId, 'removed_by_admin'),
    ])
    expect(ended[0] + ended[1]).toBe(1200)
    const revoked = (await revocationsOf(userId)).flatMap(({ session_id: id }) => id ?? [])
    expect(revoked).toHaveLength(1200)
    expect(new Set(revoked).size).toBe(1200)
  })
})

describe('a token', () => {
  test('revoked twice at once is revoked once, until it has expired, and its session goes on', async () => {
    const userId = await makeUser(system)
    const id = await beginSession(first, userId)
    const token = {
      userId,
      tokenId: randomUUID(),
      expiresAt: new Date(Date.now() + 60_000),
      reason: 'revoked',
    } as const
    await Promise.all([first.sessions.revokeToken(token), second.sessions.revokeToken(token)])
    const revoked = await revocationsOf(userId)
    expect(revoked).toMatchObject([{ session_id: null, token_id: token.tokenId }])
    expect(revoked[0]?.seconds).toBeGreaterThanOrEqual(179)
    expect(revoked[0]?.seconds).toBeLessThanOrEqual(181)
    expect((await entriesOf(userId)).map(({ action }) => action)).toEqual(['session-begun', 'token-revoked'])
    expect(await first.sessions.use(id)).toBe(true)
  })

  test('that expired long ago needs no revocation', async () => {
    const userId = await makeUser(system)
    const expiresAt = new Date(Date.now() - 200_000)
    await first.sessions.revokeToken({ userId, tokenId: randomUUID(), expiresAt, reason: 'revoked' })
    expect(await revocationsOf(userId)).toEqual([])
  })
})

test('whatever two instances do at once, a session that has ended stays so and has one revocation', async () => {
  const doing = fc.constantFrom('begin', 'use', 'end', 'endAllOf')
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(doing, fc.boolean()), { minLength: 2, maxLength: 8 }), async (doings) => {
      const userId = await makeUser(system)
      const id = await beginSession(first, userId)
      await Promise.all(
        doings.map(async ([what, atFirst]) => {
          const { sessions } = atFirst ? first : second
          if (what === 'begin') await beginSession(atFirst ? first : second, userId, id)
          else if (what === 'use') await sessions.use(id)
          else if (what === 'end') await sessions.end(id, 'revoked')
          else await sessions.endAllOf(userId, 'removed_by_admin')
        }),
      )
      const mustEnd = doings.some(([what]) => what === 'end' || what === 'endAllOf')
      expect((await sessionOf(id))?.['ended_at'] !== null).toBe(mustEnd)
      const revoked = (await revocationsOf(userId)).filter(({ session_id: session }) => session === id)
      expect(revoked).toHaveLength(mustEnd ? 1 : 0)
    }),
    { numRuns: 20 },
  )
})
