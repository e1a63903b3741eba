import { randomUUID } from 'node:crypto'
import { must, recordOf, ensureStream, publishEvents } from '@parley/bus'
import { retention } from '@parley/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'

let system: AuthSystem
let instances: TestInstance[]
beforeAll(async () => {
  system = await startAuthSystem()
  instances = [await system.start(), await system.start()]
})
afterAll(async () => {
  for (const instance of instances ?? []) await instance[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

const erase = async (userId: string) => must(await system.calls.eraseUser({ userId, cursor: null }))
const signIn = async (name: string) => must(await system.calls.signInForDevelopment({ name, admin: false }))
const recognize = async (subject: string, session: string) =>
  must(
    await system.calls.recognizeUser({
      issuer: 'https://elsewhere.example',
      subject,
      session,
      displayName: subject,
      avatarUrl: null,
    }),
  )
const actorOf = (userId: string) => ({ actor: { userId, scopes: [] } })
const remainsOf = async (...erasedUserIds: string[]) =>
  must(await system.calls.findRemains({ erasedUserIds, cursor: null })).findings

test('nothing names an erased user any more, and nobody can sign in as them', async () => {
  const { user } = await signIn('Ann Unmistakable')
  const userId = user.id
  must(await system.calls.updateProfile({ ...actorOf(userId), avatarUrl: 'https://pictures.example/ann.png' }))
  expect(await remainsOf(userId)).not.toEqual([])

  const { counts, outcome } = await erase(userId)
  expect(outcome).toBe('done')
  expect(counts).toMatchObject({ 'postgres.profiles': 1, 'postgres.identities': 1, 'postgres.sessions': 1 })
  expect(await remainsOf(userId)).toEqual([])
  const [row] = await system.query<{ all: string }>(`
    select (select json_agg(users) from auth.users)::text || (select json_agg(sessions) from auth.sessions)::text
      || coalesce((select json_agg(oauth_artifacts) from auth.oauth_artifacts)::text, '')
      || (select json_agg(audit_entries) from auth.audit_entries)::text as all`)
  expect(row!.all.toLowerCase()).not.toMatch(/unmistakable|ann\.png/)

  const { users } = must(await system.calls.getUsers({ userIds: [userId] }))
  expect(users).toEqual([{ ...user, displayName: 'Deleted user', avatarUrl: null }])
  const { user: other } = await signIn('Bea')
  for (const query of ['Ann', 'Unmistakable', 'Deleted', 'user']) {
    expect(must(await system.calls.findUsers({ ...actorOf(other.id), query })).users).toEqual([])
  }
  expect(await system.calls.getMe(actorOf(userId))).toMatchObject({ refusal: { code: 'unauthenticated' } })
  expect(await system.calls.updateProfile({ ...actorOf(userId), displayName: 'Back' })).toMatchObject({
    refusal: { code: 'unauthenticated' },
  })
  expect((await signIn('Ann Unmistakable')).user.id).not.toBe(userId)
})

test('erased again, nothing more is done, and others are told once', async () => {
  const { user } = await signIn('Cid')
  await Promise.all([erase(user.id), erase(user.id), erase(user.id)])
  expect((await erase(user.id)).counts).toMatchObject({ 'postgres.profiles': 0, 'postgres.sessions': 0 })
  const { streams } = await system.bus.nats.jetstreamManager()
  const { state } = await streams.info('AUTH')
  const told: string[] = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await streams.getMessage('AUTH', { seq }).catch(() => undefined)
    if (message !== undefined && message.string().includes(user.id)) told.push(message.subject)
  }
  expect(told).toEqual(['auth.event.user-erased'])
  expect(must(await system.calls.eraseUser({ userId: randomUUID(), cursor: null })).outcome).toBe('done')
})

test('who signs in while they are erased is signed out, or is somebody else', async () => {
  for (let round = 0; round < 10; round += 1) {
    const name = `Dan ${round}`
    const { user } = await signIn(name)
    const comings = Array.from({ length: 6 }, async () => (await signIn(name)).user.id)
    const settled = await Promise.allSettled([erase(user.id), ...comings])
    await erase(user.id)
    const open = await system.query<{ id: string }>(
      `select id from auth.sessions where user_id = '${user.id}' and ended_at is null`,
    )
    expect(open).toEqual([])
    expect(settled[0]!.status).toBe('fulfilled')
    expect(await remainsOf(user.id)).toEqual([])
  }
})

test('a session at an external issuer does not bring its erased user back', async () => {
  const { userId, sessionId } = await recognize('eve', 'one')
  const racing = Array.from({ length: 10 }, (_, index) => recognize('eve', index % 2 === 0 ? 'one' : `new ${index}`))
  const [, ...recognized] = await Promise.all([erase(userId), ...racing])
  await erase(userId)
  expect(await remainsOf(userId)).toEqual([])
  const again = await recognize('eve', 'one')
  expect(again.userId).not.toBe(userId)
  // The session itself stays revoked, whoever it is of.
  const { revocations } = must(await system.calls.listRevocations({ after: 0 }))
  expect(revocations.map((revocation) => revocation.sessionId)).toContain(sessionId)
  for (const one of recognized) {
    if (one.userId !== userId) continue
    expect(revocations.map((revocation) => revocation.sessionId)).toContain(one.sessionId)
  }
})

test('an export has the profile, the identities, the sessions and what the audit log says', async () => {
  const { user } = await signIn('Fay')
  const { records, files, cursor } = must(await system.calls.exportUser({ userId: user.id, cursor: null }))
  expect({ files, cursor }).toEqual({ files: [], cursor: null })
  const kinds = Object.groupBy(records, ({ kind }) => kind)
  expect(kinds['profile']).toMatchObject([{ data: { id: user.id, displayName: 'Fay' } }])
  expect(kinds['identities']).toMatchObject([{ data: { subject: expect.stringContaining('fay') } }])
  expect(kinds['sessions']).toMatchObject([{ data: { name: 'Development', endedAt: null } }])
  expect(kinds['audit']?.map(({ data }) => data['action'])).toEqual(expect.arrayContaining(['signed-in']))
})

test('what administrators decide about what is kept is written down once, however often it is told', async () => {
  await ensureStream(system.bus, retention)
  const [actorId, userId, decisionId] = [randomUUID(), randomUUID(), randomUUID()]
  const event = recordOf(
    retention.events.decided,
    {},
    {
      decisionId,
      action: 'hold-placed',
      actorId,
      userId,
      details: { holdId: randomUUID() },
      at: new Date().toISOString(),
    },
  )
  for (let turn = 0; turn < 3; turn += 1) await publishEvents(system.bus, [event], { idOf: () => undefined })
  const entries = async () =>
    must(await system.calls.listAuditEntries({ ...actorOf(actorId), userId, action: 'hold-placed' })).entries
  await expect.poll(entries, { timeout: 15_000 }).toMatchObject([{ actorId, userId }])
  await publishEvents(system.bus, [event], { idOf: () => undefined })
  expect(await entries()).toHaveLength(1)
})
