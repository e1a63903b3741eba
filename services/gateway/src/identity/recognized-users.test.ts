import { randomUUID } from 'node:crypto'
import { refuse, type auth, type RequestOf } from '@parley/contracts'
import { silentLog } from '@parley/testing'
import { expect, test, vi } from 'vitest'
import { recognizeUsers } from './recognized-users.ts'

type Bearer = RequestOf<(typeof auth)['calls']['recognizeUser']>
type Answer = { userId: string; sessionId: string | null }

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const bearer = (differences: Partial<Bearer> = {}): Bearer => ({
  issuer: 'https://issuer.example',
  subject: 'alice',
  displayName: 'Alice',
  avatarUrl: null,
  session: 'laptop',
  ...differences,
})

/** On a clock that the test moves, with an `auth` that answers what it is told. */
function open(answer: (asked: Bearer) => Promise<Answer>) {
  let atMs = 0
  const asked: Bearer[] = []
  const it = { answer }
  const users = recognizeUsers(
    {
      async recognizeUser(request) {
        asked.push(request)
        return { ok: true, value: await it.answer(request) }
      },
    },
    { log: silentLog, now: () => atMs },
  )
  return {
    users,
    asked,
    say: (next: typeof answer) => void (it.answer = next),
    pass: (ms: number) => void (atMs += ms),
  }
}

const makeUser = () => {
  const users = new Map<string, Answer>()
  return async ({ issuer, subject, session }: Bearer): Promise<Answer> => {
    const key = JSON.stringify([issuer, subject, session])
    users.set(key, users.get(key) ?? { userId: randomUUID(), sessionId: session })
    return users.get(key)!
  }
}
const away = () => Promise.reject(new Error('auth is away'))

test('many requests for one user at the same time ask once, and later ones not at all', async () => {
  const { users, asked } = open(makeUser())
  const first = await Promise.all(Array.from({ length: 100 }, () => users.recognize(bearer())))
  expect([new Set(first).size, asked]).toEqual([1, [bearer()]])
  expect(await users.recognize(bearer({ displayName: 'Alice B.' }))).toEqual(first[0])
  expect(asked.length).toBe(1)
})

test('nobody is taken for another, of another issuer, subject or session', async () => {
  const { users, asked } = open(makeUser())
  const others = [
    bearer(),
    bearer({ issuer: 'https://other.example' }),
    bearer({ subject: 'alice2' }),
    bearer({ session: 'phone' }),
    bearer({ session: null }),
    bearer({ issuer: 'https://issuer.example","alice', subject: 'laptop', session: null }),
  ]
  const recognized = await Promise.all(others.map((one) => users.recognize(one)))
  expect([new Set(recognized.map(({ userId }) => userId)).size, asked.length]).toEqual([others.length, others.length])
})

test('after ten minutes it tells auth again, once, and nobody waits for that', async () => {
  const { users, asked, say, pass } = open(makeUser())
  const known = await users.recognize(bearer())
  pass(9 * MINUTE_MS)
  await users.recognize(bearer())
  expect(asked.length).toBe(1)
  pass(MINUTE_MS)
  say(() => new Promise<never>(() => {}))
  for (let time = 0; time < 10; time += 1) expect(await users.recognize(bearer())).toEqual(known)
  expect(asked.length).toBe(2)
})

test('while auth is away those who are known go on for a day, and others cannot come', async () => {
  const { users, asked, say, pass } = open(makeUser())
  const known = await users.recognize(bearer())
  say(away)
  pass(23 * HOUR_MS)
  expect(await users.recognize(bearer())).toEqual(known)
  await vi.waitFor(() => expect(asked.length).toBe(2))
  expect(await users.recognize(bearer())).toEqual(known)
  expect(asked.length).toBe(2)
  pass(10_000)
  expect(await users.recognize(bearer())).toEqual(known)
  expect(asked.length).toBe(3)
  await expect(users.recognize(bearer({ subject: 'bob' }))).rejects.toThrow(refuse.unavailable().message)
  pass(HOUR_MS)
  await expect(users.recognize(bearer())).rejects.toThrow(refuse.unavailable().message)
  say(makeUser())
  expect((await users.recognize(bearer({ subject: 'bob' }))).sessionId).toBe('laptop')
})

test('whatever auth answers wrongly is no reason to tell the bearer more than that it is unavailable', async () => {
  const users = recognizeUsers(
    { recognizeUser: async () => ({ ok: false, refusal: refuse.internal().refusal }) as never },
    { log: silentLog, now: () => 0 },
  )
  await expect(users.recognize(bearer())).rejects.toMatchObject({ refusal: { code: 'unavailable' } })
})
