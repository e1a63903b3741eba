import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { hearRevocations } from './session-instance.ts'

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

const ISSUER = 'https://elsewhere.example'

async function recognize(subject: string, session: string | null, given: Record<string, string | null> = {}) {
  const request = { issuer: ISSUER, subject, session, displayName: subject, avatarUrl: null, ...given }
  const answer = await system.calls.recognizeUser(request)
  if (!answer.ok) throw new Error('refused')
  return answer.value
}
const revocationsOf = (sessionId: string | null) =>
  system.query<{ position: string }>(`select position from auth.revocations where session_id = '${sessionId}'`)
const actorOf = ({ userId, sessionId }: { userId: string; sessionId: string | null }) => ({
  userId,
  scopes: [],
  ...(sessionId !== null && { sessionId }),
})

test('a user is made at first sight, once, also when twenty tokens come at once', async () => {
  await using _ = await system.start()
  const recognized = await Promise.all(Array.from({ length: 20 }, () => recognize('ann', 'session')))
  expect(new Set(recognized.map(({ userId }) => userId)).size).toBe(1)
  expect(new Set(recognized.map(({ sessionId }) => sessionId)).size).toBe(1)
  const { userId } = recognized[0]!
  const sessions = await system.query(`select client, external, name from auth.sessions where user_id = '${userId}'`)
  expect(sessions).toEqual([{ client: ISSUER, external: true, name: null }])
})

test('what the issuer says later of their name and picture changes nothing', async () => {
  const picture = 'https://elsewhere.example/bea.png'
  const { userId } = await recognize('bea', null, { displayName: 'Bea', avatarUrl: picture })
  await recognize('bea', null, { displayName: 'Else', avatarUrl: null })
  const answer = await system.calls.getMe({ actor: { userId, scopes: [] } })
  expect(answer).toMatchObject({ ok: true, value: { displayName: 'Bea', avatarUrl: picture } })
})

test.each([
  ['no name', null],
  ['an empty name', ''],
  ['a name of invisible characters', '\u200b\u2060'],
  ['a name that turns the reading direction', '\u202eadmin'],
])('%s does not keep a user out', async (what, displayName) => {
  const { userId } = await recognize(what, null, { displayName, avatarUrl: 'http://elsewhere.example/plain.png' })
  const answer = await system.calls.getMe({ actor: { userId, scopes: [] } })
  if (!answer.ok) throw new Error('refused')
  expect(answer.value.displayName).toMatch(/^[\w ]+$/)
  expect(answer.value.avatarUrl).toBeNull()
})

test('the same name of a session at another issuer, or of another user, is another session', async () => {
  const ids = [
    (await recognize('cid', 's')).sessionId,
    (await recognize('cid', 't')).sessionId,
    (await recognize('dora', 's')).sessionId,
    (await recognize('cid', 's', { issuer: 'https://third.example' })).sessionId,
  ]
  expect(new Set(ids).size).toBe(4)
  expect((await recognize('cid', null)).sessionId).toBeNull()
})

test('a session that was ended here stays ended, and is revoked again before its revocation is forgotten', async () => {
  await using gateway = await hearRevocations(system)
  const eve = await recognize('eve', 'long')
  const removed = await system.calls.removeDevice({ actor: actorOf(eve), deviceId: eve.sessionId! })
  expect(removed).toMatchObject({ ok: true })
  expect(await recognize('eve', 'long')).toEqual(eve)
  expect(await revocationsOf(eve.sessionId)).toHaveLength(1)

  await system.query(
    `update auth.revocations set forgotten_at = now() + interval '24 hours' where session_id = '${eve.sessionId}'`,
  )
  const again = await Promise.all(Array.from({ length: 5 }, () => recognize('eve', 'long')))
  for (const recognized of again) expect(recognized).toEqual(eve)
  const revoked = await revocationsOf(eve.sessionId)
  expect(revoked).toHaveLength(2)
  const told = () => gateway.heard.flatMap(({ revocations }) => revocations).map(({ sessionId }) => sessionId)
  await expect.poll(told).toEqual([eve.sessionId, eve.sessionId])
  expect(await system.calls.listDevices({ actor: actorOf(eve) })).toEqual({ ok: true, value: { devices: [] } })
})

test('who was signed out everywhere is recognized, and their sessions stay ended', async () => {
  const fay = await recognize('fay', 'one')
  expect(await system.calls.signOutUser({ actor: actorOf(await recognize('root', null)), userId: fay.userId })).toEqual(
    {
      ok: true,
      value: { removed: 1 },
    },
  )
  expect(await recognize('fay', 'one')).toEqual(fay)
  expect(await revocationsOf(fay.sessionId)).toHaveLength(1)
  const other = await recognize('fay', 'two')
  expect(await system.calls.listDevices({ actor: actorOf(other) })).toMatchObject({
    ok: true,
    value: { devices: [{ id: other.sessionId, current: true }] },
  })
})
