import { generateKeyPairSync } from 'node:crypto'
import { silentLog } from '@parley/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openSigningKeys, type SigningKeys } from './signing-keys.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const keySetOf = (...ids: string[]) => ({ keys: ids.map((kid) => ({ ...publicKey.export({ format: 'jwk' }), kid })) })

/** Keys of an issuer that answers what it is told, on a clock that the test moves. */
function open(answer: () => Promise<unknown>, { refreshEveryMs = HOUR_MS } = {}) {
  let atMs = 0
  let fetches = 0
  let signal: AbortSignal | undefined
  const it = { answer }
  const keys = openSigningKeys({
    issuer: 'https://issuer.example',
    algorithms: ['ES256'],
    fetchKeySet: (stopping) => {
      fetches += 1
      signal = stopping
      return it.answer()
    },
    refreshEveryMs,
    log: silentLog,
    now: () => atMs,
  })
  onTestFinished(() => keys[Symbol.dispose]())
  return {
    keys,
    say: (next: () => Promise<unknown>) => void (it.answer = next),
    pass: (ms: number) => void (atMs += ms),
    fetches: () => fetches,
    signal: () => signal,
  }
}

const away = () => Promise.reject(new Error('nobody answers'))
const has = async (keys: SigningKeys, keyId?: string) => (await keys.find(keyId)) !== undefined

test('keys are fetched at once, and once for all who wait for them', async () => {
  const { keys, fetches } = open(async () => keySetOf('one', 'two'))
  expect(await Promise.all([has(keys, 'one'), has(keys, 'two'), keys.check()])).toEqual([true, true, undefined])
  expect(fetches()).toBe(1)
})

test('an unknown id makes one fetch in 30 seconds, however many ask', async () => {
  const { keys, say, pass, fetches } = open(async () => keySetOf('one'))
  await keys.check()
  pass(30 * SECOND_MS)
  const flood = () => Promise.all(Array.from({ length: 1_000 }, (_, index) => has(keys, `unknown ${index}`)))
  expect(new Set(await flood())).toEqual(new Set([false]))
  expect(fetches()).toBe(2)
  say(async () => keySetOf('one', 'two'))
  pass(29 * SECOND_MS)
  expect(new Set(await flood())).toEqual(new Set([false]))
  expect([fetches(), await has(keys, 'two')]).toEqual([2, false])
  pass(SECOND_MS)
  expect([await has(keys, 'two'), fetches()]).toEqual([true, 3])
})

test('those who name a known key do not wait while an unknown one is looked for', async () => {
  const { keys, say, pass } = open(async () => keySetOf('one'))
  await keys.check()
  pass(MINUTE_MS)
  const hanging = Promise.withResolvers<unknown>()
  say(() => hanging.promise)
  const unknown = has(keys, 'two')
  expect(await has(keys, 'one')).toBe(true)
  hanging.resolve(keySetOf('one', 'two'))
  expect(await unknown).toBe(true)
})

test('the last good keys are kept while the issuer is away, for as long as that lasts', async () => {
  const { keys, say, pass, fetches } = open(async () => keySetOf('one'))
  await keys.check()
  say(away)
  for (let hour = 1; hour <= 72; hour += 1) {
    pass(HOUR_MS)
    expect(await has(keys, 'other')).toBe(false)
  }
  expect([await has(keys, 'one'), fetches()]).toEqual([true, 73])
  expect(keys.ageSeconds).toBe(72 * 60 * 60)
  await keys.check()
})

test.each<[string, () => Promise<unknown>]>([
  ['an answer that is no key set', async () => ({ error: 'gone' })],
  ['a list', async () => [keySetOf('two')]],
  ['null', async () => null],
  ['keys that are no list', async () => ({ keys: 'two' })],
])('%s counts as none', async (_, answer) => {
  const { keys, say, pass } = open(async () => keySetOf('one'))
  await keys.check()
  say(answer)
  pass(HOUR_MS)
  expect(await has(keys, 'two')).toBe(false)
  pass(24 * HOUR_MS)
  expect([await has(keys, 'two'), await has(keys, 'one')]).toEqual([false, true])
})

test('a key that is no longer in the set is not trusted after the next fetch', async () => {
  const { keys, say, pass } = open(async () => keySetOf('one'))
  await keys.check()
  say(async () => keySetOf('two'))
  pass(MINUTE_MS)
  expect([await has(keys, 'two'), await has(keys, 'one')]).toEqual([true, false])
})

test('a set that was emptied shuts everybody out only when it has been empty for an hour', async () => {
  const { keys, say, pass } = open(async () => keySetOf('one'))
  await keys.check()
  say(async () => keySetOf())
  pass(MINUTE_MS)
  expect([await has(keys, 'two'), await has(keys, 'one')]).toEqual([false, true])
  pass(59 * MINUTE_MS)
  expect([await has(keys, 'two'), await has(keys, 'one')]).toEqual([false, true])
  pass(MINUTE_MS)
  await expect(keys.find('two')).resolves.toBeUndefined()
  await expect(keys.find('one')).rejects.toThrow('no signing key')
  say(async () => keySetOf('one'))
  pass(SECOND_MS)
  expect(await has(keys, 'one')).toBe(true)
})

test('a set that is empty for a moment now and then shuts nobody out', async () => {
  const { keys, say, pass } = open(async () => keySetOf('one'))
  await keys.check()
  for (let hour = 0; hour < 5; hour += 1) {
    say(async () => keySetOf())
    pass(30 * MINUTE_MS)
    expect(await has(keys, 'two')).toBe(false)
    say(async () => keySetOf('one'))
    pass(30 * MINUTE_MS)
    expect(await has(keys, 'two')).toBe(false)
  }
  expect(await has(keys, 'one')).toBe(true)
})

test('without any key ever nothing can be said, and it is tried again soon', async () => {
  const { keys, say, pass, fetches } = open(away)
  await expect(keys.find('one')).rejects.toThrow('no signing key')
  await expect(keys.check()).rejects.toThrow('no signing key')
  expect([fetches(), keys.ageSeconds]).toEqual([1, Infinity])
  say(async () => keySetOf('one'))
  pass(500)
  expect([await has(keys, 'one'), fetches(), keys.ageSeconds]).toEqual([true, 2, 0])
})

test('a token without a key id means the only key, and none where there are several', async () => {
  const { keys, say, pass } = open(async () => keySetOf('one'))
  expect([await has(keys), await has(keys, '')]).toEqual([true, false])
  say(async () => keySetOf('one', 'two'))
  pass(MINUTE_MS)
  expect(await has(keys, 'two')).toBe(true)
  expect(await has(keys)).toBe(false)
})

test('keys are fetched again now and then, though nobody asks', async () => {
  const { keys, say, pass, fetches } = open(async () => keySetOf('one'), { refreshEveryMs: 20 })
  await keys.check()
  say(async () => keySetOf('two'))
  pass(20)
  await vi.waitFor(() => expect(fetches()).toBeGreaterThan(1))
  await vi.waitFor(async () => expect(await has(keys, 'two')).toBe(true))
})

test('disposing breaks off a fetch under way, and nothing is fetched after it', async () => {
  const { keys, signal, fetches } = open(() => new Promise<never>(() => {}), { refreshEveryMs: 5 })
  await vi.waitFor(() => expect(signal()?.aborted).toBe(false))
  keys[Symbol.dispose]()
  expect([signal()?.aborted, fetches()]).toEqual([true, 1])
})
