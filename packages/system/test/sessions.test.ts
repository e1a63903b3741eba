import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr'
import type { AuditEntry, Device, HubEvent, User } from '@parley/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asker } from '../src/asker.ts'
import { signInByOAuth } from '../src/oauth-session.ts'
import { signIn } from '../src/participant.ts'
import { startSystem, type System } from '../src/start-system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 120_000)
afterAll(async () => {
  await system?.[Symbol.asyncDispose]()
})

const CLOSED_WITHIN_MS = 2_000

interface Connected extends AsyncDisposable {
  readonly endings: HubEvent<'SessionEnding'>['reason'][]
  /** When it was closed for good: milliseconds of `performance.now()`. */
  readonly closedAt: Promise<number>
  readonly isOpen: () => boolean
}

async function connect(gatewayUrl: string, accessToken: string): Promise<Connected> {
  const endings: Connected['endings'] = []
  const connection = new HubConnectionBuilder()
    .withUrl(`${gatewayUrl}/hubs/chat`, {
      accessTokenFactory: () => accessToken,
      transport: HttpTransportType.WebSockets,
    })
    .withAutomaticReconnect()
    .configureLogging(LogLevel.None)
    .build()
  const welcomed = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<number>()
  connection.on('Welcome', () => welcomed.resolve())
  connection.on('SessionEnding', ({ reason }: HubEvent<'SessionEnding'>) => void endings.push(reason))
  let isOpen = true
  connection.onclose(() => {
    isOpen = false
    closed.resolve(performance.now())
  })
  await connection.start()
  await welcomed.promise
  return {
    endings,
    closedAt: closed.promise,
    isOpen: () => isOpen,
    [Symbol.asyncDispose]: () => connection.stop(),
  }
}

async function ask<Output>(
  accessToken: string,
  name: Parameters<Awaited<ReturnType<typeof asker>>['ask']>[0],
  input = {},
) {
  await using bearer = await asker(system.gatewayUrls[0], accessToken)
  const { code, output } = await bearer.ask(name, input)
  return { code, output: output as Output }
}

/** Closed on both gateways within two seconds of what is done, for good, and refused from then on. */
async function expectRevoked(accessToken: string, revoke: () => Promise<unknown>): Promise<void> {
  const [first, second] = system.gatewayUrls
  await using here = await connect(first, accessToken)
  await using there = await connect(second, accessToken)
  await revoke()
  const revokedAt = performance.now()
  const closedAt = await Promise.all([here.closedAt, there.closedAt])
  expect(Math.max(...closedAt) - revokedAt).toBeLessThan(CLOSED_WITHIN_MS)
  expect([here.endings, there.endings]).toEqual([['revoked'], ['revoked']])
  await expect(connect(second, accessToken)).rejects.toThrow('401')
  expect((await ask(accessToken, 'GetMe')).code).toBe('unauthenticated')
}

describe('a standard OAuth client', () => {
  test('signs a user in by the name of the issuer alone, and its token is good for REST and the hub of any gateway', async () => {
    const session = await signInByOAuth(system.gatewayUrls[0], 'Olga')
    const { output: me } = await ask<User>(session.accessToken, 'GetMe')
    expect(me).toMatchObject({ id: session.subject, displayName: 'Olga' })
    await using connected = await connect(system.gatewayUrls[1], session.accessToken)
    expect(connected.isOpen()).toBe(true)
    await session.refresh()
    expect((await ask<User>(session.accessToken, 'GetMe')).output.id).toBe(session.subject)
  })

  test('that shows a refresh token again at once gets the same successor; nobody is signed out', async () => {
    const session = await signInByOAuth(system.gatewayUrls[0], 'Otto')
    const spent = session.refreshToken
    await session.refresh()
    const successor = session.refreshToken
    await session.refresh(spent)
    expect(session.refreshToken).toBe(successor)
    await session.refresh()
    expect((await ask(session.accessToken, 'GetMe')).code).toBe('ok')
  })
})

describe('connections end everywhere within two seconds', () => {
  test('when a refresh token is stolen: shown again by somebody when its forgiveness is over', async () => {
    const session = await signInByOAuth(system.gatewayUrls[0], 'Thea')
    const stolen = session.refreshToken
    await session.refresh()
    const spentAt = Date.now()
    await session.refresh()
    await expect.poll(() => Date.now() - spentAt, { timeout: 40_000, interval: 1_000 }).toBeGreaterThan(31_000)
    const { accessToken, refreshToken } = session
    await expectRevoked(accessToken, async () => {
      await expect(session.refresh(stolen)).rejects.toMatchObject({ error: 'invalid_grant' })
    })
    await expect(session.refresh(refreshToken)).rejects.toMatchObject({ error: 'invalid_grant' })
  }, 60_000)

  test('when the client revokes its refresh token', async () => {
    const session = await signInByOAuth(system.gatewayUrls[0], 'Rosa')
    await expectRevoked(session.accessToken, () => session.revoke(session.refreshToken))
  })

  test('when the client revokes its access token; its refresh token goes on', async () => {
    const session = await signInByOAuth(system.gatewayUrls[0], 'Rolf')
    await expectRevoked(session.accessToken, () => session.revoke(session.accessToken))
    await session.refresh()
    expect((await ask(session.accessToken, 'GetMe')).code).toBe('ok')
  })

  test('when a device is removed from another; that one stays', async () => {
    const phone = await signInByOAuth(system.gatewayUrls[0], 'Dora')
    const laptop = await signInByOAuth(system.gatewayUrls[0], 'Dora')
    await using spared = await connect(system.gatewayUrls[0], laptop.accessToken)
    const { output } = await ask<{ devices: Device[] }>(laptop.accessToken, 'ListDevices')
    expect(output.devices).toHaveLength(2)
    const other = output.devices.find(({ current }) => !current)!
    await expectRevoked(phone.accessToken, () => ask(laptop.accessToken, 'RemoveDevice', { deviceId: other.id }))
    await expect(phone.refresh()).rejects.toMatchObject({ error: 'invalid_grant' })
    expect(spared.isOpen()).toBe(true)
    expect((await ask<{ devices: Device[] }>(laptop.accessToken, 'ListDevices')).output.devices).toHaveLength(1)
  })

  test('when a user signs out everywhere else', async () => {
    const phone = await signInByOAuth(system.gatewayUrls[0], 'Emil')
    const laptop = await signInByOAuth(system.gatewayUrls[0], 'Emil')
    await using spared = await connect(system.gatewayUrls[0], laptop.accessToken)
    await expectRevoked(phone.accessToken, () => ask(laptop.accessToken, 'RemoveOtherDevices'))
    expect(spared.isOpen()).toBe(true)
  })

  test('when an administrator signs a user out; it stands in the audit log, and they can sign in again', async () => {
    const admin = await signIn(system.gatewayUrls[0], 'Ada', { admin: true })
    const session = await signInByOAuth(system.gatewayUrls[0], 'Ulla')
    await expectRevoked(session.accessToken, () => ask(admin.accessToken, 'SignOutUser', { userId: session.subject }))
    const audit = await ask<{ entries: AuditEntry[] }>(admin.accessToken, 'ListAuditEntries', {
      userId: session.subject,
    })
    expect(audit.output.entries).toContainEqual(
      expect.objectContaining({ action: 'user-signed-out', actorId: admin.user.id, userId: session.subject }),
    )
    const again = await signInByOAuth(system.gatewayUrls[0], 'Ulla')
    expect(again.subject).toBe(session.subject)
    expect((await ask(again.accessToken, 'GetMe')).code).toBe('ok')
  })

  test('also when the instance of auth that revoked died before it could tell', async () => {
    const session = await signInByOAuth(system.gatewayUrls[0], 'Kurt')
    const [first] = system.gatewayUrls
    await using here = await connect(first, session.accessToken)
    await session.revoke(session.refreshToken).then(() => system.kill('auth'))
    await here.closedAt
    await system.untilBack('auth')
    expect((await ask(session.accessToken, 'GetMe')).code).toBe('unauthenticated')
  }, 60_000)
})
