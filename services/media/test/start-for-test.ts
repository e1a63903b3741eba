import { callerOf, connectBus, serve, type Bus, type Callers } from '@parley/bus'
import { media, messaging } from '@parley/contracts'
import { migrate } from '@parley/postgres'
import type { OutputOf, ReserveUpload } from '@parley/protocol'
import { silentLog, testDatabase, testNats, testS3 } from '@parley/testing'
import { v4 as uuidv4 } from 'uuid'
import { beforeAll } from 'vitest'
import { startMedia, type Config } from '../src/service.ts'
import { openS3, type S3 } from '../src/store/open-s3.ts'

// The first who asks for S3 waits until it has started.
beforeAll(async () => void (await testS3()))

export interface MediaForTest extends AsyncDisposable {
  readonly port: number
  readonly calls: Callers<typeof media>
  readonly config: Config
  readonly bus: Bus
  readonly s3: S3
  /** Whom `messaging` calls a member, of every conversation. */
  readonly members: Set<string>
  stopMessaging(): Promise<void>
}

/** The service on servers of its own, with a `messaging` beside it that answers `isMember`. `s3Door`: how it reaches S3. */
export async function startForTest(options: Partial<Config> = {}, s3Door?: string): Promise<MediaForTest> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await testDatabase('media'))
  const nats = stack.use(await testNats())
  const direct = { ...(await configForTest(database.url, nats.url)), ...options }
  const config = s3Door === undefined ? direct : { ...direct, s3: { ...direct.s3, endpoint: s3Door } }
  await migrate({
    url: database.url,
    service: 'media',
    folder: new URL('../migrations/', import.meta.url),
    log: silentLog,
  })
  const { port } = stack.use(await startMedia(config))
  const bus = stack.use(await connectBus({ url: nats.url, service: 'messaging', log: silentLog }))
  const members = new Set<string>()
  const serving = stack.use(
    await serve(bus, messaging, { isMember: async ({ userId }) => ({ member: members.has(userId) }) }),
  )
  const s3 = stack.use(openS3(direct.s3))
  const started = stack.move()
  return {
    port,
    calls: callerOf(bus, media),
    config,
    bus,
    s3,
    members,
    stopMessaging: async () => serving[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

export async function configForTest(postgresUrl: string, natsUrl: string): Promise<Config> {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = await testS3()
  return {
    environment: 'development',
    logLevel: 'silent',
    http: { host: '127.0.0.1', port: 0 },
    natsUrl,
    postgresUrl,
    s3: {
      endpoint,
      publicEndpoint: endpoint,
      region,
      bucket,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    },
    maxBytes: { image: 1_000_000, video: 2_000_000, audio: 2_000_000, document: 500_000 },
    formLifetimeMs: 300_000,
    linkLifetimeMs: 60_000,
  }
}

export type Reserved = OutputOf<typeof ReserveUpload>

export const actorOf = (userId: string) => ({ actor: { userId, scopes: [] } })

/** A user who is a member, as long as they stay in `members`. */
export function memberOf({ members }: MediaForTest): string {
  const userId = uuidv4()
  members.add(userId)
  return userId
}

/** By default in a conversation of its own. */
interface FileForTest {
  readonly name?: string
  readonly type: string
  readonly content: Uint8Array
  readonly conversationId?: string
}

export async function reserve(service: MediaForTest, userId: string, file: FileForTest): Promise<Reserved> {
  const answer = await service.calls.reserveUpload({
    ...actorOf(userId),
    conversationId: file.conversationId ?? uuidv4(),
    name: file.name ?? 'a file',
    type: file.type,
    size: file.content.length,
  })
  if (!answer.ok) throw new Error(answer.refusal.code)
  return answer.value
}

/** Posts as a browser does. */
export function post(form: Reserved['form'], content: Uint8Array, changed: Record<string, string> = {}) {
  const body = new FormData()
  for (const [name, value] of Object.entries({ ...form.fields, ...changed })) body.set(name, value)
  body.set('file', new Blob([Uint8Array.from(content)]))
  return fetch(form.url, { method: 'POST', body })
}

/** Reserved, posted and found ready. */
export async function upload(service: MediaForTest, userId: string, file: FileForTest): Promise<Reserved['upload']> {
  const reserved = await reserve(service, userId, file)
  const posted = await post(reserved.form, file.content)
  if (!posted.ok) throw new Error(await posted.text())
  const answer = await service.calls.completeUpload({ ...actorOf(userId), id: reserved.upload.id })
  if (!answer.ok) throw new Error(answer.refusal.code)
  return answer.value
}

/** A PNG image of one pixel, with as many bytes of something behind it as asked. */
export function png(trailingBytes = 0): Uint8Array {
  const image = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  )
  return Buffer.concat([image, Buffer.alloc(trailingBytes, 7)])
}

export const text = (content: string): Uint8Array => new TextEncoder().encode(content)
