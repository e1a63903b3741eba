import { randomUUID } from 'node:crypto'
import {
  callerOf,
  connectBus,
  flush,
  listen,
  must,
  notify,
  serve,
  type Answer,
  type Bus,
  type Callers,
} from '@parley/bus'
import {
  auth,
  decodeDeliveryBatch,
  gateway,
  messaging,
  type Delivery,
  type ReceiptsDelivery,
  type RequestOf,
  type RetentionRules,
} from '@parley/contracts'
import { migrate, openPostgres } from '@parley/postgres'
import type { Conversation, SentMessage } from '@parley/protocol'
import { repeat, type Clock } from '@parley/runtime'
import { silentLog, testDatabase, testNats, testRedis, type TestServer } from '@parley/testing'
import { v7 } from 'uuid'
import { readConfig } from '../src/config.ts'
import { startMessaging, type Messaging } from '../src/service.ts'
import { writeRetentionRules } from '../src/store/retention-rules.ts'
import type { Db, Tables } from '../src/store/tables.ts'

type SendRequest = RequestOf<(typeof messaging)['calls']['sendMessages']>['sends'][number]
type SendResult = Awaited<ReturnType<World['send']>>

/** Messaging with everything it needs, a gateway that hears all notices, and an `auth` that knows everybody but a few. */
export interface World extends AsyncDisposable {
  readonly nats: TestServer
  readonly redis: TestServer
  readonly databaseUrl: string
  readonly db: Db
  readonly bus: Bus
  readonly calls: Callers<typeof messaging>
  readonly instances: Messaging[]
  /** Users that `auth` does not know. */
  readonly unknownUsers: Set<string>
  /** What the gateway was told, in the order of arrival. */
  readonly deliveries: Delivery[]
  readonly receipts: ReceiptsDelivery[]
  /** What was published for other services, in the order of arrival. */
  readonly events: { readonly subject: string; readonly payload: unknown }[]
  startInstance(environment?: Record<string, string>, clock?: Clock): Promise<Messaging>
  createGroup(creatorId: string, memberIds?: readonly string[]): Promise<Conversation>
  /** As a gateway does it for one client. */
  send(
    senderId: string,
    conversationId: string,
    message?: Partial<Omit<SendRequest, 'actor' | 'conversationId'>>,
  ): Promise<{ message: SentMessage } | { refusal: { code: string; data: object } }>
}

export const actorOf = (userId: string) => ({ userId, scopes: [] })

export const newUser = (): string => randomUUID()

export const messageOf = (result: SendResult): SentMessage => {
  if ('refusal' in result) throw new Error(`refused: ${result.refusal.code}`)
  return result.message
}

export const codeOf = (result: SendResult): string => ('refusal' in result ? result.refusal.code : 'sent')

/** The code of a refusal that is expected. */
export function refusalOf(answer: Answer<unknown>): string {
  if (answer.ok) throw new Error('not refused')
  return answer.refusal.code
}

export const migrations = new URL('../migrations/', import.meta.url)

export async function openWorld(
  options: {
    instances?: number
    databaseUrl?: string
    withAuth?: boolean
    /** Of the instances, for what they keep. */
    clock?: Clock
    rules?: RetentionRules
  } = {},
): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const database = options.databaseUrl === undefined ? stack.use(await testDatabase('messaging')) : undefined
  const databaseUrl = options.databaseUrl ?? database!.url
  const [nats, redis] = await Promise.all([testNats(), testRedis()])
  stack.use(nats)
  stack.use(redis)
  const log = silentLog
  await migrate({ url: databaseUrl, service: 'messaging', folder: migrations, log })
  const { db } = stack.use(openPostgres<Tables>({ url: databaseUrl, service: 'test', log }))
  if (options.rules !== undefined) await writeRetentionRules(db, options.rules)
  const bus = stack.use(await connectBus({ url: nats.url, service: 'test', log }))

  const unknownUsers = new Set<string>()
  const getUsers = async ({ userIds }: { userIds: string[] }) => ({
    users: userIds
      .filter((id) => !unknownUsers.has(id))
      .map((id) => ({ id, displayName: 'somebody', avatarUrl: null, createdAt: new Date().toISOString() })),
  })
  if (options.withAuth !== false) stack.use(await serve(bus, auth, { getUsers }))

  const deliveries: Delivery[] = []
  const receipts: ReceiptsDelivery[] = []
  const gatewayId = 1 + Math.floor(Math.random() * 2 ** 50)
  stack.use(
    await listen(bus, gateway.notices.deliver, { gatewayId: String(gatewayId) }, (data) => {
      const batch = decodeDeliveryBatch(data)
      deliveries.push(...batch.deliveries)
      receipts.push(...batch.receipts)
    }),
  )
  const announce = () => {
    const announcement = { gatewayId, redisEpoch: 'none', registered: false }
    notify(bus, gateway.notices.announced, {}, new TextEncoder().encode(JSON.stringify(announcement)))
  }
  stack.use(repeat('announce', { everyMs: 500, log }, async () => announce()))

  const events: World['events'] = []
  bus.nats.subscribe('messaging.event.>', {
    callback: (_error, message) =>
      void events.push({ subject: message.subject, payload: JSON.parse(new TextDecoder().decode(message.data)) }),
  })

  // Last opened, so first closed; and instances may come later.
  const running = stack.use(new AsyncDisposableStack())
  const instances: Messaging[] = []
  async function startInstance(
    environment: Record<string, string> = {},
    clock: Clock | undefined = options.clock,
  ): Promise<Messaging> {
    const config = readConfig({
      NATS_URL: nats.url,
      POSTGRES_URL: databaseUrl,
      REDIS_URL: redis.url,
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: '0',
      LOG_LEVEL: 'silent',
      ...environment,
    })
    const instance = running.use(await startMessaging(config, clock))
    instances.push(instance)
    announce()
    await flush(bus)
    return instance
  }
  for (let index = 0; index < (options.instances ?? 1); index++) await startInstance()

  const calls = callerOf(bus, messaging)
  const world = {
    nats,
    redis,
    databaseUrl,
    db,
    bus,
    calls,
    instances,
    unknownUsers,
    deliveries,
    receipts,
    events,
    startInstance,
    createGroup: async (creatorId: string, memberIds: readonly string[] = []) =>
      must(await calls.createConversation({ actor: actorOf(creatorId), kind: 'group', memberIds: [...memberIds] })),
    async send(senderId: string, conversationId: string, message: Parameters<World['send']>[2] = {}) {
      const send = { actor: actorOf(senderId), conversationId, id: v7(), text: 'hello', ...message }
      const { results } = must(await calls.sendMessages({ sends: [send] }))
      return results[0]!
    },
  }
  const opened = stack.move()
  return { ...world, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
