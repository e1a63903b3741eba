import { randomUUID } from 'node:crypto'
import { BusError, ensureStream, publishEvents, recordOf, connectBus } from '@parley/bus'
import { messaging } from '@parley/contracts'
import { silentLog } from '@parley/testing'
import { expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem } from './auth-system.ts'
import { makeUser } from './session-instance.ts'

const admin = { userId: randomUUID(), scopes: ['admin'] }

async function read(system: AuthSystem, input: { userId?: string; action?: string; cursor?: string; limit?: number }) {
  const answer = await system.calls.listAuditEntries({ actor: admin, ...input })
  if (!answer.ok) throw new Error(answer.refusal.code)
  return answer.value
}

const entry = (system: AuthSystem, values: { action: string; actor?: string; user?: string }) =>
  system.query(
    `insert into auth.audit_entries (action, actor_id, user_id, details) values
     ('${values.action}', ${values.actor === undefined ? 'null' : `'${values.actor}'`},
      ${values.user === undefined ? 'null' : `'${values.user}'`}, '{}')`,
  )

test('an entry can be added and read, and never be changed or removed', async () => {
  await using system = await startAuthSystem()
  await entry(system, { action: 'signed-in' })
  for (const statement of [
    `update auth.audit_entries set action = 'nothing'`,
    `update auth.audit_entries set action = 'nothing' where false`,
    'delete from auth.audit_entries',
    'truncate auth.audit_entries',
  ]) {
    await expect(system.query(statement)).rejects.toThrow('entries of audit_entries are never changed or removed')
  }
  expect(await system.query('select action from auth.audit_entries')).toEqual([{ action: 'signed-in' }])
})

test('entries are read newest first, page by page, each once, also while others are added', async () => {
  await using system = await startAuthSystem()
  await using _instance = await system.start()
  for (let index = 0; index < 25; index += 1) await entry(system, { action: `act-${index}` })
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page = await read(system, { limit: 10, ...(cursor !== null && { cursor }) })
    expect(page.entries.length).toBeLessThanOrEqual(10)
    seen.push(...page.entries.map(({ action }) => action))
    cursor = page.nextCursor
    await entry(system, { action: 'meanwhile' })
  } while (cursor !== null)
  // The first of all entries is the first key's, made by the start.
  expect(seen).toEqual([...Array.from({ length: 25 }, (_, index) => `act-${24 - index}`), 'key-rotated'])
})

test('entries are found by who did it or whom it was done to, and by action', async () => {
  await using system = await startAuthSystem()
  await using _instance = await system.start()
  const [ann, bea] = [randomUUID(), randomUUID()]
  await entry(system, { action: 'a', actor: ann, user: ann })
  await entry(system, { action: 'b', actor: ann, user: bea })
  await entry(system, { action: 'c', actor: bea, user: ann })
  await entry(system, { action: 'c', actor: bea, user: bea })
  await entry(system, { action: 'd' })
  const actions = async (input: Parameters<typeof read>[1]) =>
    (await read(system, input)).entries.map(({ action }) => action)
  expect(await actions({ userId: ann })).toEqual(['c', 'b', 'a'])
  expect(await actions({ action: 'c' })).toEqual(['c', 'c'])
  expect(await actions({ userId: ann, action: 'c' })).toEqual(['c'])
  expect(await actions({ userId: randomUUID() })).toEqual([])
  const first = await read(system, { userId: bea, limit: 2 })
  expect(first.entries.map(({ action }) => action)).toEqual(['c', 'c'])
  const second = await read(system, { userId: bea, limit: 2, cursor: first.nextCursor! })
  expect(second.entries.map(({ action }) => action)).toEqual(['b'])
  expect(second.nextCursor).toBeNull()
})

test('reading the log is written down in it', async () => {
  await using system = await startAuthSystem()
  await using _instance = await system.start()
  const userId = randomUUID()
  await read(system, { userId, action: 'signed-in' })
  const [entry] = (await read(system, { action: 'audit-read' })).entries
  expect(entry).toMatchObject({ actorId: admin.userId, userId, details: { action: 'signed-in', entries: 0 } })
})

test('a cursor that was not given out is refused, and a limit beyond a page is not as agreed', async () => {
  await using system = await startAuthSystem()
  await using _instance = await system.start()
  for (const cursor of ['x', '0', '-1', '1.5', '9'.repeat(30), '1; drop table users']) {
    const answer = await system.calls.listAuditEntries({ actor: admin, limit: 10, cursor })
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'invalid_input' } })
  }
  const asked = system.calls.listAuditEntries({ actor: admin, limit: 10_000 })
  await expect(asked).rejects.toSatisfy((error) => error instanceof BusError && error.code === 'malformed')
})

test('changes of roles in conversations are written down once, however often they are told and whoever hears', async () => {
  await using system = await startAuthSystem()
  await using _first = await system.start()
  await using _second = await system.start()
  // The stream comes after its hearers.
  await using bus = await connectBus({ url: system.nats.url, service: 'messaging', log: silentLog })
  await ensureStream(bus, messaging)
  const conversationId = randomUUID()
  const userId = await makeUser(system)
  const changed = (version: number, role: 'admin' | 'owner') =>
    recordOf(
      messaging.events.memberChanged,
      { conversationId },
      { conversationId, version, member: member(userId, role), ...(version > 5 && { changedBy: admin.userId }) },
    )
  const told = [changed(5, 'admin'), changed(6, 'owner'), changed(5, 'admin'), changed(6, 'owner'), changed(7, 'admin')]
  await publishEvents(bus, told, { idOf: (index) => `told-${index}` })

  const entries = async () => (await read(system, { action: 'role-changed' })).entries
  await expect.poll(entries, { timeout: 10_000 }).toHaveLength(3)
  const waiting = async () => {
    const { num_pending: pending, num_ack_pending: unfinished } = await (
      await bus.nats.jetstreamManager()
    ).consumers.info('MESSAGING', 'auth-member-changed')
    return pending + unfinished
  }
  await expect.poll(waiting, { timeout: 10_000 }).toBe(0)
  expect((await entries()).toReversed()).toMatchObject([
    { actorId: null, userId, details: { conversationId, role: 'admin', version: 5 } },
    { actorId: admin.userId, userId, details: { conversationId, role: 'owner', version: 6 } },
    { actorId: admin.userId, userId, details: { conversationId, role: 'admin', version: 7 } },
  ])
})

const member = (userId: string, role: 'admin' | 'owner') => ({
  userId,
  role,
  joinedAt: '2026-01-01T00:00:00.000Z',
  leftAt: null,
  deliveredSequence: 0,
  readSequence: 0,
})
