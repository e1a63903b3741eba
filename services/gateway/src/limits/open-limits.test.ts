import { randomUUID } from 'node:crypto'
import { Refused } from '@parley/contracts'
import { silentLog, testRedis, type TestServer } from '@parley/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { limitsInForce } from './configured-limits.ts'
import { SERVICE_ACCOUNT_FACTOR } from './limit-table.ts'
import { openLimits, type OpenedLimits } from './open-limits.ts'

const aWeek = (points: number) => ({ points, seconds: 7 * 24 * 60 * 60 })
const SENDS = 4
const SEARCHES_PER_DAY = 3

const limited: string[] = []
let redis: TestServer
let limits: OpenedLimits
beforeAll(async () => {
  redis = await testRedis()
  const given = { send: { user: aWeek(SENDS) }, findUsers: { user: null, userPerDay: aWeek(SEARCHES_PER_DAY) } }
  const table = limitsInForce(given, { development: false })
  const onLimited = (limit: string) => void limited.push(limit)
  limits = await openLimits({ table, redisUrl: redis.url, onLimited, now: Date.now, log: silentLog })
})
afterAll(async () => {
  await limits[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
})

const asker = ({ isService = false } = {}) => ({
  identity: {
    actor: { userId: randomUUID(), scopes: [] },
    issuer: 'https://issuer.example',
    isService,
    sessionId: null,
    tokenId: null,
    issuedAtMs: 0,
    expiresAtMs: 0,
  },
  connection: undefined,
})

/** How many of so many operations were admitted. */
async function admitted(times: number, name: 'SendMessage' | 'FindUsers', by = asker()): Promise<number> {
  let count = 0
  for (let index = 0; index < times; index++) {
    try {
      await limits.admitOperation(name, by)
      count += 1
    } catch (error) {
      if (!(error instanceof Refused)) throw error
    }
  }
  return count
}

test('a service account may do what people may, so many times as often', async () => {
  const times = 2 * SENDS * SERVICE_ACCOUNT_FACTOR
  expect(await admitted(times, 'SendMessage')).toBe(SENDS)
  expect(await admitted(times, 'SendMessage', asker({ isService: true }))).toBe(SENDS * SERVICE_ACCOUNT_FACTOR)
})

test('of two limits each holds by itself, and each refusal is told by its name', async () => {
  limited.length = 0
  expect(await admitted(5, 'FindUsers')).toBe(SEARCHES_PER_DAY)
  expect(limited).toEqual(['findUsers.userPerDay', 'findUsers.userPerDay'])
})
