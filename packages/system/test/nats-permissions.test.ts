import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callerOf, connectBus, consume, ensureStream, must, publishEvents, recordOf, serve } from '@parley/bus'
import { auth, media, messaging, presence, retention } from '@parley/contracts'
import { startNats } from '@parley/local'
import { natsConfiguration, permissions, services, type ServiceName } from '@parley/nats'
import { silentLog } from '@parley/testing'
import { connect, type NatsConnection } from 'nats'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const passwords = Object.fromEntries(Object.keys(permissions()).map((user) => [user, `"${user}" 1e5 $HOME`]))
const contracts = { auth, media, messaging, presence, retention }
const userId = '3b241101-e2bb-4255-8caf-4136c566a962'

let directory: string
let server: Awaited<ReturnType<typeof startNats>>
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-nats-'))
  server = await startNats({ directory, passwords })
}, 30_000)
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

async function connectAs(user: string): Promise<NatsConnection & AsyncDisposable> {
  const connection = await connect({ servers: server.url, user, pass: passwords[user]!, inboxPrefix: `_INBOX_${user}` })
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() })
}

/** What NATS says to a publish or a subscription of this user. */
async function refusalOf(user: string, attempt: (nats: NatsConnection) => void): Promise<string> {
  await using nats = await connectAs(user)
  const statuses = nats.status()[Symbol.asyncIterator]()
  attempt(nats)
  await nats.flush()
  // Refusals come before the answer to the flush.
  const { value } = await Promise.race([statuses.next(), nats.flush().then(() => ({ value: undefined }))])
  return (value as { data?: string } | undefined)?.data ?? 'allowed'
}

const publishing = (user: string, subject: string) => refusalOf(user, (nats) => nats.publish(subject))
const subscribing = (user: string, subject: string) =>
  refusalOf(user, (nats) => {
    nats.subscribe(subject, { callback: () => undefined })
  })

const othersThan = (service: ServiceName) => services.filter((other) => other !== service)

test('nats.conf is what is written from the contracts', async () => {
  expect(await readFile(new URL('../../../infra/nats/nats.conf', import.meta.url), 'utf8')).toBe(natsConfiguration())
})

test('a wrong password, and a user that is not there, are turned away', async () => {
  for (const [user, pass] of [
    ['gateway', 'another'],
    ['nobody', passwords['gateway']!],
  ] as const) {
    await expect(connect({ servers: server.url, user, pass, reconnect: false })).rejects.toThrow('Authorization')
  }
})

describe.each(services)('%s', (service) => {
  test('reads no inbox but its own, and hears nothing of everything', async () => {
    const foreign = othersThan(service).map((other) => `_INBOX_${other}.>`)
    for (const subject of [...foreign, '_INBOX.>', '>', '*.call.>', '*.event.>', '$JS.>', '$SYS.>']) {
      expect(await subscribing(service, subject), subject).toContain('PERMISSIONS_VIOLATION')
    }
    expect(await subscribing(service, `_INBOX_${service}.>`)).toBe('allowed')
  })

  test('answers no calls of others, and tells no events of others', async () => {
    for (const other of othersThan(service)) {
      expect(await subscribing(service, `${other}.call.>`)).toContain('PERMISSIONS_VIOLATION')
      expect(await publishing(service, `${other}.event.anything.${userId}`)).toContain('PERMISSIONS_VIOLATION')
    }
  })

  test.skipIf(service === 'gateway')(
    'speaks for no user: only the gateway makes calls that carry an actor',
    async () => {
      for (const subject of ['messaging.call.send-messages', 'auth.call.get-me', 'presence.call.set-status']) {
        expect(await publishing(service, subject)).toContain('PERMISSIONS_VIOLATION')
      }
    },
  )

  test('manages no stream of others, and no consumer but its own', async () => {
    for (const subject of [
      '$JS.API.STREAM.DELETE.MESSAGING',
      `$JS.API.STREAM.UPDATE.${service === 'media' ? 'AUTH' : 'MEDIA'}`,
      '$JS.API.CONSUMER.DURABLE.CREATE.MESSAGING.mine',
      '$JS.API.CONSUMER.DELETE.MESSAGING.auth-member-changed',
    ]) {
      expect(await publishing(service, subject), subject).toContain('PERMISSIONS_VIOLATION')
    }
  })

  test('reads and erases what its own stream keeps, and no other', async () => {
    for (const owner of ['auth', 'media', 'messaging', 'presence', 'retention'] as const) {
      for (const verb of ['MSG.GET', 'MSG.DELETE', 'PURGE']) {
        const subject = `$JS.API.STREAM.${verb}.${owner.toUpperCase()}`
        const refusal = expect.stringContaining('PERMISSIONS_VIOLATION')
        const owns = service === owner && Object.keys(contracts[owner].events).length > 0
        expect(await publishing(service, subject), subject).toEqual(owns ? 'allowed' : refusal)
      }
    }
  })
})

test.each<[subject: string, callers: ServiceName[]]>([
  ['media.call.use-avatar', ['auth', 'messaging']],
  ['media.call.attach-uploads', ['messaging']],
  ['media.call.release-uploads', ['messaging']],
  ['messaging.call.sees-message', ['media']],
  ['messaging.call.list-attachments', ['media']],
  ['messaging.call.list-avatars', ['media']],
  ['messaging.call.drop-months', ['retention']],
])('%s is for %j only, and not for the gateway', async (subject, callers) => {
  for (const service of services) {
    const refusal = expect.stringContaining('PERMISSIONS_VIOLATION')
    expect(await publishing(service, subject), service).toEqual(callers.includes(service) ? 'allowed' : refusal)
  }
})

test('that an upload is checked is said by media and heard by gateways only', async () => {
  for (const service of services) {
    const refusal = expect.stringContaining('PERMISSIONS_VIOLATION')
    const [said, heard] = [
      await publishing(service, 'media.notice.settled'),
      await subscribing(service, 'media.notice.settled'),
    ]
    expect(said, service).toEqual(service === 'media' ? 'allowed' : refusal)
    expect(heard, service).toEqual(service === 'gateway' ? 'allowed' : refusal)
  }
})

test('services call, answer, store their events and consume those that they are to', async () => {
  const busOf = (service: string) => {
    const url = Object.assign(new URL(server.url), { username: service, password: passwords[service]! }).href
    return connectBus({ url, service, log: silentLog })
  }
  await using messagingBus = await busOf('messaging')
  await using authBus = await busOf('auth')
  await using gatewayBus = await busOf('gateway')
  await ensureStream(messagingBus, messaging)
  await ensureStream(authBus, auth)
  await using _serving = await serve(authBus, auth, {
    getUsers: async () => ({ users: [] }),
    listRevocations: async () => ({ revocations: [], position: 0, hasMore: false }),
  })
  expect(must(await callerOf(messagingBus, auth).getUsers({ userIds: [userId] }))).toEqual({ users: [] })
  expect(must(await callerOf(gatewayBus, auth).listRevocations({ after: 0 })).position).toBe(0)

  const heard: unknown[] = []
  await using _consuming = consume(
    authBus,
    { contract: messaging, event: messaging.events.memberChanged },
    async (payload) => void heard.push(payload),
  )
  const member = {
    userId,
    role: 'admin' as const,
    joinedAt: new Date().toISOString(),
    leftAt: null,
    deliveredSequence: 0,
    readSequence: 0,
  }
  const payload = { conversationId: userId, version: 2, member }
  await publishEvents(messagingBus, [recordOf(messaging.events.memberChanged, { conversationId: userId }, payload)], {
    idOf: () => undefined,
  })
  await expect.poll(() => heard, { timeout: 15_000 }).toMatchObject([{ version: 2 }])
}, 30_000)

test('an observer hears events, and can neither call, nor tell, nor make a consumer', async () => {
  expect(await subscribing('observer', 'messaging.event.>')).toBe('allowed')
  for (const subject of ['messaging.call.>', '_INBOX_gateway.>', 'gateway.notice.>', '>']) {
    expect(await subscribing('observer', subject), subject).toContain('PERMISSIONS_VIOLATION')
  }
  for (const subject of [
    'messaging.call.send-messages',
    'messaging.event.message-created.x',
    '$JS.API.CONSUMER.CREATE.MESSAGING.mine',
    '$JS.API.CONSUMER.DURABLE.CREATE.MESSAGING.mine',
    '$JS.API.CONSUMER.MSG.NEXT.MESSAGING.auth-member-changed',
  ]) {
    expect(await publishing('observer', subject), subject).toContain('PERMISSIONS_VIOLATION')
  }
})
