import { BusError } from '@parley/bus'
import { testPostgres } from '@parley/testing'
import * as client from 'openid-client'
import { expect, test } from 'vitest'
import { ISSUER, startAuthSystem, type TestInstance } from './auth-system.ts'
import { createBrowser } from './browser.ts'
import { authorizationOf, CLIENT_ID, exchangeCode, signIn } from './oauth-client.ts'

const readiness = async ({ send }: TestInstance): Promise<number> => (await send('/health/ready')).status
const aWhile = { timeout: 20_000, interval: 100 }

test('while Postgres is away auth is unready and says "try again"; when it is back, all goes on', async () => {
  await using postgres = await testPostgres()
  await using system = await startAuthSystem(postgres.url)
  await using instance = await system.start()
  const { browser, config, tokens } = await signIn(instance.send, 'ann')
  const actor = { userId: tokens.claims()?.sub ?? '', scopes: [] }
  const authorization = await authorizationOf(config)
  const half = createBrowser(instance.send)
  const page = await half.open((await authorizationOf(config)).url)

  await postgres.kill()
  expect(await readiness(instance)).toBe(503)
  expect((await instance.send('/health/live')).status).toBe(200)
  expect((await instance.send('/oauth/jwks')).status).toBe(200)
  const call = system.calls.getMe({ actor })
  await expect(call).rejects.toSatisfy((error) => error instanceof BusError && error.code === 'unavailable')

  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: tokens.refresh_token ?? '',
    client_id: CLIENT_ID,
  })
  const refused = await instance.send('/oauth/token', { method: 'POST', body })
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable' })
  const revocation = new URLSearchParams({ token: tokens.refresh_token ?? '', client_id: CLIENT_ID })
  const unrevoked = await instance.send('/oauth/revocation', { method: 'POST', body: revocation })
  expect(unrevoked.status).toBe(503)
  expect(await unrevoked.json()).toMatchObject({ error: 'temporarily_unavailable' })
  const posted = await half.submit(page, { name: 'bea' })
  expect(posted.response?.status).toBe(503)
  expect(posted.html).toContain('This did not work')
  const started = await browser.open(authorization.url)
  expect(started.url.searchParams.get('error') ?? started.html).toContain('temporarily_unavailable')
  const asked = await instance.send(`${ISSUER}/oauth/userinfo`, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  })
  expect(asked.status).toBe(503)

  await postgres.restart()
  await expect.poll(() => readiness(instance), aWhile).toBe(200)
  expect(await system.calls.getMe({ actor })).toMatchObject({ ok: true })
  await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  const callback = await browser.open(authorization.url)
  await exchangeCode(config, callback.url, authorization)
})

test('while NATS is away people still sign in, and their events follow when it is back', async () => {
  await using system = await startAuthSystem()
  await using instance = await system.start()
  await system.nats.kill()
  await expect.poll(() => readiness(instance), aWhile).toBe(503)
  const { tokens } = await signIn(instance.send, 'ann')
  expect(await system.query('select 1 from auth.outbox')).toHaveLength(1)

  await system.nats.restart()
  await expect.poll(() => readiness(instance), aWhile).toBe(200)
  await expect.poll(() => system.query('select 1 from auth.outbox'), aWhile).toEqual([])
  const { streams } = await system.bus.nats.jetstreamManager()
  const stored = await streams.getMessage('AUTH', { last_by_subj: 'auth.event.user-created' })
  expect(stored.json()).toMatchObject({ user: { id: tokens.claims()?.sub, displayName: 'ann' } })
})
