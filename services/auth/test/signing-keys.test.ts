import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuthSystem, type AuthSystem, type TestInstance } from './auth-system.ts'
import { createBrowser } from './browser.ts'
import { authorizationOf, discoverClient } from './oauth-client.ts'

let system: AuthSystem
beforeAll(async () => {
  system = await startAuthSystem()
})
afterAll(() => system?.[Symbol.asyncDispose]())

const keysOf = async ({ send }: TestInstance): Promise<unknown> => (await send('/oauth/jwks')).json()

test('instances that start at once on an empty database have one key, and a restart keeps it', async () => {
  const instances = await Promise.all([system.start(), system.start(), system.start()])
  const [first, ...others] = await Promise.all(instances.map(keysOf))
  expect(others).toEqual([first, first])
  await Promise.all(instances.map((instance) => instance[Symbol.asyncDispose]()))
  await using restarted = await system.start()
  expect(await keysOf(restarted)).toEqual(first)
  expect(await system.query('select id from auth.signing_keys')).toHaveLength(1)
})

test('the private key does not stand in the database as it is', async () => {
  await using _ = await system.start()
  const [row] = await system.query<{ sealed_private_key: Buffer }>('select sealed_private_key from auth.signing_keys')
  expect(row?.sealed_private_key.toString('latin1')).not.toContain('"d":')
})

test('with another secret the start fails and says why', async () => {
  await using _ = await system.start()
  const started = system.start({ AUTH_SECRET: 'another secret of the tests, as long' })
  await expect(started).rejects.toThrow('AUTH_SECRET is not the one they were encrypted with')
})

test('a sign-in goes on after a restart', async () => {
  const first = await system.start()
  let instance = first
  const send: TestInstance['send'] = (url, init) => instance.send(url, init)
  const browser = createBrowser(send)
  const { url } = await authorizationOf(await discoverClient(send))
  const page = await browser.open(url)
  await first[Symbol.asyncDispose]()
  await using second = await system.start()
  instance = second
  const callback = await browser.submit(page, { name: 'ann' })
  expect(callback.url.searchParams.get('code')).toEqual(expect.any(String))
})
