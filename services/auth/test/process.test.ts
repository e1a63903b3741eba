import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { testDatabase, testNats } from '@parley/testing'
import * as client from 'openid-client'
import { expect, test } from 'vitest'
import { defaults, ISSUER, type Send } from './auth-system.ts'
import { signIn } from './oauth-client.ts'

test('the process migrates, serves, logs no secret and leaves when it is told', async () => {
  await using database = await testDatabase('auth')
  await using nats = await testNats()
  const port = await freePort()
  const environment = {
    ...defaults,
    HTTP_PORT: port,
    LOG_LEVEL: 'debug',
    NATS_URL: nats.url,
    POSTGRES_URL: database.url,
  }
  const migrated = run('migrate.ts', environment)
  expect(await migrated.exitCode).toBe(0)

  const auth = run('main.ts', environment)
  const send: Send = (url, init) => {
    const { pathname, search } = new URL(url, ISSUER)
    return fetch(`http://127.0.0.1:${port}${pathname}${search}`, { ...init, redirect: 'manual' })
  }
  const ready = () =>
    send('/health/ready').then(
      ({ status }) => status,
      () => 0,
    )
  await expect.poll(ready, { timeout: 15_000 }).toBe(200)
  const { browser, callback, config, authorization, tokens } = await signIn(send, 'ann')
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  await client.refreshTokenGrant(config, tokens.refresh_token ?? '').catch(() => undefined)
  await client.tokenRevocation(config, refreshed.refresh_token ?? '').catch(() => undefined)
  await send(`/nothing?access_token=${tokens.access_token}`)

  auth.stop()
  expect(await auth.exitCode).toBe(0)
  const log = await auth.output
  expect(log).toContain('"msg":"signed in"')
  expect(log).toContain('"path":"/oauth/sign-in/{id}"')
  const secrets = [
    callback.searchParams.get('code'),
    authorization.verifier,
    authorization.state,
    tokens.access_token,
    tokens.refresh_token,
    refreshed.refresh_token,
    tokens.id_token,
    defaults.AUTH_SECRET,
    ...browser.cookies.map(({ value }) => value),
  ]
  for (const secret of secrets) expect(log).not.toContain(secret)
  expect(log).not.toContain('eyJ')
})

test('a wrong configuration ends the process with a sentence for each variable', async () => {
  const auth = run('main.ts', { ...defaults, AUTH_SECRET: 'short', AUTH_CLIENTS: '[' })
  expect(await auth.exitCode).toBe(1)
  const log = await auth.output
  for (const variable of [
    'AUTH_SECRET is wrong',
    'AUTH_CLIENTS is wrong',
    'NATS_URL is missing',
    'POSTGRES_URL is missing',
  ]) {
    expect(log).toContain(variable)
  }
})

test('clients that the provider would not take end the process too', async () => {
  await using database = await testDatabase('auth')
  await using nats = await testNats()
  const environment = { ...defaults, NATS_URL: nats.url, POSTGRES_URL: database.url }
  await run('migrate.ts', environment).exitCode
  const clients = [{ client_id: 'app', redirect_uris: ['myapp:/callback'] }]
  const auth = run('main.ts', { ...environment, AUTH_CLIENTS: JSON.stringify(clients) })
  expect(await auth.exitCode).toBe(1)
  expect(await auth.output).toContain('AUTH_CLIENTS is wrong: app: redirect_uris must only contain web uris.')
})

function run(file: string, environment: Record<string, string>) {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../src/${file}`, import.meta.url))], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = Promise.all([text(child.stdout), text(child.stderr)]).then((parts) => parts.join('\n'))
  return {
    output,
    exitCode: once(child, 'exit').then(([code]) => code as number | null),
    stop: () => child.kill('SIGTERM'),
  }
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return String(port)
}
