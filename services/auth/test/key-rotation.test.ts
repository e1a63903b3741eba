import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import jwt from 'jsonwebtoken'
import * as client from 'openid-client'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { defaults, startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { signIn } from './oauth-client.ts'

let system: AuthSystem
let instances: TestInstance[]
beforeAll(async () => {
  system = await startAuthSystem()
})
beforeEach(async () => {
  await system.query('delete from auth.signing_keys')
  instances = await Promise.all([system.start(), system.start()])
  return async () => {
    for (const instance of instances) await instance[Symbol.asyncDispose]()
  }
})
afterAll(() => system?.[Symbol.asyncDispose]())

const soon = { timeout: 20_000, interval: 200 }

/** As if so much time had gone by for the keys. */
const letPass = (time: string) =>
  system.query(`update auth.signing_keys set signs_from = signs_from - interval '${time}'`)

async function publishedBy({ send }: TestInstance): Promise<string[]> {
  const { keys } = (await (await send('/oauth/jwks')).json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

const published = () => Promise.all(instances.map(publishedBy))
const keyOf = (token: string) => jwt.decode(token, { complete: true })?.header.kid ?? ''

/** What the audit log says of the last change of keys. */
const lastEntry = async () =>
  (
    await system.query<{ actor_id: string | null; details: object }>(
      `select actor_id, details from auth.audit_entries where action = 'key-rotated' order by id desc limit 1`,
    )
  )[0]

/** A program of its own, as somebody runs it by hand. */
async function rotateByHand(...given: string[]): Promise<number | null> {
  const program = fileURLToPath(new URL('../src/rotate-signing-key/main.ts', import.meta.url))
  const env = { ...defaults, NATS_URL: system.nats.url, POSTGRES_URL: system.databaseUrl }
  const child = spawn(process.execPath, [program, ...given], { env, stdio: 'ignore' })
  return (await once(child, 'exit'))[0] as number | null
}

const isGoodAt = async (instance: TestInstance, { access_token: token }: { access_token: string }) =>
  (await instance.send('/oauth/userinfo', { headers: { authorization: `Bearer ${token}` } })).status === 200

test('the next key is published before it signs, signs at all instances without a restart, and nobody notices', async () => {
  const [one, other] = instances as [TestInstance, TestInstance]
  const { config, tokens } = await signIn(one.send, 'ann')
  const first = keyOf(tokens.access_token)
  expect(await published()).toEqual([[first], [first]])

  await letPass('90 days')
  // Instances see to it when they start, and from time to time.
  instances.push(await system.start())
  await expect.poll(published, soon).toEqual(instances.map(() => [first, expect.any(String)]))
  const [, next = ''] = await publishedBy(one)
  const early = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  expect(keyOf(early.access_token)).toBe(first)

  await letPass('14 minutes')
  expect(keyOf((await signIn(other.send, 'bea')).tokens.access_token)).toBe(first)
  await letPass('1 minute')
  await expect.poll(published, soon).toEqual(instances.map(() => [next, first]))
  const late = await client.refreshTokenGrant(config, early.refresh_token ?? '')
  expect([keyOf(late.access_token), keyOf(late.id_token ?? '')]).toEqual([next, next])
  for (const instance of instances) {
    expect(await isGoodAt(instance, tokens)).toBe(true)
    expect(await isGoodAt(instance, late)).toBe(true)
  }

  await letPass('23 hours')
  instances.push(await system.start())
  expect(await published()).toEqual(instances.map(() => [next, first]))
  await letPass('2 hours')
  instances.push(await system.start())
  await expect.poll(published, soon).toEqual(instances.map(() => [next]))
  expect(await isGoodAt(one, late)).toBe(true)
})

test('of instances that find a key due at once, one makes the next', async () => {
  await letPass('90 days')
  instances.push(...(await Promise.all(Array.from({ length: 4 }, () => system.start()))))
  const keys = await system.query<{ id: string }>('select id from auth.signing_keys order by signs_from desc')
  expect(keys).toHaveLength(2)
  expect(await lastEntry()).toMatchObject({ details: { reason: 'due', keyId: keys[0]?.id } })
})

test('a key is due when it is configured to be', async () => {
  await letPass('2 days')
  instances.push(await system.start({ AUTH_SIGNING_KEY_DAYS: '3' }))
  expect(await system.query('select id from auth.signing_keys')).toHaveLength(1)
  instances.push(await system.start({ AUTH_SIGNING_KEY_DAYS: '2' }))
  expect(await system.query('select id from auth.signing_keys')).toHaveLength(2)
})

test('a key added by hand waits for its time like any other', async () => {
  const [[first] = []] = await published()
  expect(await rotateByHand()).toBe(0)
  expect(await lastEntry()).toMatchObject({ actor_id: null, details: { reason: 'by_hand', keyId: expect.any(String) } })
  await expect.poll(published, soon).toEqual(instances.map(() => [first, expect.any(String)]))
  expect(keyOf((await signIn(instances[0]!.send, 'cid')).tokens.access_token)).toBe(first)
})

test('a key that somebody else has is gone everywhere at once; nobody is signed out by that', async () => {
  const [one, other] = instances as [TestInstance, TestInstance]
  const { browser, config, tokens } = await signIn(one.send, 'dora')
  const first = keyOf(tokens.access_token)
  expect(await rotateByHand('--at-once')).toBe(0)
  expect(await lastEntry()).toMatchObject({ details: { reason: 'at_once' } })
  await expect.poll(published, soon).not.toContainEqual(expect.arrayContaining([first]))
  expect(await isGoodAt(one, tokens)).toBe(false)
  expect(await isGoodAt(other, tokens)).toBe(false)
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  expect(await isGoodAt(other, refreshed)).toBe(true)
  const again = await signIn(other.send, 'dora', { browser })
  expect(again.tokens.claims()?.sub).toBe(tokens.claims()?.sub)
})

test('what is not understood rotates nothing', async () => {
  expect(await rotateByHand('--now')).toBe(1)
  expect(await system.query('select id from auth.signing_keys')).toHaveLength(1)
})
