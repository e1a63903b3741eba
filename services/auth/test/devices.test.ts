import jwt from 'jsonwebtoken'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'

let system: AuthSystem
let instance: TestInstance
beforeAll(async () => {
  system = await startAuthSystem()
  instance = await system.start()
})
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

interface Actor {
  readonly userId: string
  readonly scopes: string[]
  readonly sessionId: string
}

/** Each call is another device of the user. */
async function signIn(name: string): Promise<Actor> {
  const answer = await system.calls.signInForDevelopment({ name, admin: false })
  if (!answer.ok) throw new Error('refused')
  const claims = jwt.decode(answer.value.accessToken) as jwt.JwtPayload
  return { userId: answer.value.user.id, scopes: [], sessionId: String(claims['sid']) }
}

async function devicesOf(actor: Actor) {
  const answer = await system.calls.listDevices({ actor })
  if (!answer.ok) throw new Error('refused')
  return answer.value.devices
}
const idsOf = async (actor: Actor) => (await devicesOf(actor)).map(({ id }) => id).toSorted()
const notFound = { ok: false, refusal: { code: 'device_not_found' } }

describe('listDevices', () => {
  test('gives the sessions of the caller alone, the last used first, and says which one is theirs', async () => {
    const [phone, laptop, other] = [await signIn('ann'), await signIn('ann'), await signIn('bea')]
    await system.query(`update auth.sessions set last_used_at = now() + interval '1 s' where id = '${phone.sessionId}'`)
    expect(await devicesOf(laptop)).toMatchObject([
      { id: phone.sessionId, name: 'Development', client: 'parley-web', current: false },
      { id: laptop.sessionId, current: true },
    ])
    expect(await idsOf(other)).toEqual([other.sessionId])
    const withoutSession = await system.calls.listDevices({ actor: { userId: phone.userId, scopes: [] } })
    expect(withoutSession).toMatchObject({ ok: true, value: { devices: [{ current: false }, { current: false }] } })
  })

  test('gives at most 100, the last used', async () => {
    const actor = await signIn('many')
    await system.query(
      `insert into auth.sessions (id, user_id, client, external, last_used_at)
       select 'old-' || n, '${actor.userId}', 'c', false, now() - n * interval '1 hour' from generate_series(1, 150) n`,
    )
    const devices = await devicesOf(actor)
    expect(devices.map(({ id }) => id)).toEqual([
      actor.sessionId,
      ...Array.from({ length: 99 }, (_, index) => `old-${index + 1}`),
    ])
  })

  test('of a user who does not exist is unauthenticated', async () => {
    const actor = { ...(await signIn('cid')), userId: crypto.randomUUID() }
    expect(await system.calls.listDevices({ actor })).toMatchObject({ refusal: { code: 'unauthenticated' } })
  })
})

describe('removeDevice', () => {
  test('ends a session of the caller once', async () => {
    const [phone, laptop] = [await signIn('dora'), await signIn('dora')]
    expect(await system.calls.removeDevice({ actor: laptop, deviceId: phone.sessionId })).toEqual({
      ok: true,
      value: {},
    })
    expect(await idsOf(laptop)).toEqual([laptop.sessionId])
    expect(await system.calls.removeDevice({ actor: laptop, deviceId: phone.sessionId })).toMatchObject(notFound)
  })

  test('may end the session that asks', async () => {
    const phone = await signIn('eve')
    expect(await system.calls.removeDevice({ actor: phone, deviceId: phone.sessionId })).toMatchObject({ ok: true })
    expect(await idsOf(phone)).toEqual([])
  })

  test("of somebody else's device is answered as of one that does not exist, and changes nothing", async () => {
    const [fay, gil] = [await signIn('fay'), await signIn('gil')]
    const foreign = await system.calls.removeDevice({ actor: fay, deviceId: gil.sessionId })
    const absent = await system.calls.removeDevice({ actor: fay, deviceId: crypto.randomUUID() })
    expect(foreign).toMatchObject(notFound)
    expect(foreign).toEqual(absent)
    expect(await idsOf(gil)).toEqual([gil.sessionId])
  })

  test('asked ten times at once is done once', async () => {
    await using _ = await system.start()
    const [phone, laptop] = [await signIn('hal'), await signIn('hal')]
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => system.calls.removeDevice({ actor: laptop, deviceId: phone.sessionId })),
    )
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
    expect(answers.filter(({ ok }) => !ok)).toHaveLength(9)
  })
})

describe('removeOtherDevices', () => {
  test('ends all sessions of the caller but the one that asks, and none of others', async () => {
    const [phone, laptop, tablet, other] = [
      await signIn('ida'),
      await signIn('ida'),
      await signIn('ida'),
      await signIn('jon'),
    ]
    expect(await system.calls.removeOtherDevices({ actor: laptop })).toEqual({ ok: true, value: { removed: 2 } })
    expect(await idsOf(phone)).toEqual([laptop.sessionId])
    expect(await idsOf(other)).toEqual([other.sessionId])
    expect(await system.calls.removeOtherDevices({ actor: laptop })).toEqual({ ok: true, value: { removed: 0 } })
    expect(tablet.userId).toBe(laptop.userId)
  })

  test('by a token that names no session ends all sessions, but no token without', async () => {
    const { userId } = await signIn('kim')
    const answer = await system.calls.removeOtherDevices({ actor: { userId, scopes: [] } })
    expect(answer).toEqual({ ok: true, value: { removed: 1 } })
    const revoked = await system.query(
      `select 1 from auth.revocations where user_id = '${userId}' and session_id is null`,
    )
    expect(revoked).toEqual([])
  })
})

describe('signOutUser', () => {
  test('ends all sessions of a user, who can sign in again', async () => {
    const [admin, phone, laptop] = [await signIn('root'), await signIn('leo'), await signIn('leo')]
    const answer = await system.calls.signOutUser({ actor: admin, userId: phone.userId })
    expect(answer).toEqual({ ok: true, value: { removed: 2 } })
    expect(await idsOf(laptop)).toEqual([])
    expect(await idsOf(admin)).toEqual([admin.sessionId])
    const again = await signIn('leo')
    expect(await idsOf(again)).toEqual([again.sessionId])
    const entries = await system.query(
      `select action, actor_id from auth.audit_entries where user_id = '${phone.userId}'
       and action in ('user-signed-out', 'session-ended') order by id`,
    )
    expect(entries).toEqual([
      { action: 'user-signed-out', actor_id: admin.userId },
      { action: 'session-ended', actor_id: admin.userId },
      { action: 'session-ended', actor_id: admin.userId },
    ])
  })

  test('of nobody is refused', async () => {
    const actor = await signIn('root')
    const answer = await system.calls.signOutUser({ actor, userId: crypto.randomUUID() })
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'user_not_found' } })
  })
})
