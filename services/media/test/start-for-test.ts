import { callerOf, connectBus, ensureStream, serve, type Bus, type Callers } from '@parley/bus'
import { auth, media, messaging } from '@parley/contracts'
import { migrate, openPostgres } from '@parley/postgres'
import type { OutputOf, ReserveUpload } from '@parley/protocol'
import type { Clock } from '@parley/runtime'
import { silentLog, testDatabase, testNats, testS3 } from '@parley/testing'
import { openS3, type S3 } from '@parley/s3'
import sharp from 'sharp'
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid'
import { beforeAll } from 'vitest'
import { startMedia, type Config } from '../src/service.ts'
import type { Owners } from '../src/housekeeping/delete-orphans.ts'
import { listObjects } from '../src/store/objects.ts'
import type { Db, Tables } from '../src/store/tables.ts'

// The first who asks for S3 waits until it has started.
beforeAll(async () => void (await testS3()))

export interface MediaForTest extends AsyncDisposable {
  readonly port: number
  readonly calls: Callers<typeof media>
  readonly config: Config
  readonly bus: Bus
  readonly s3: S3
  readonly db: Db
  /** Whom `messaging` calls a member, of every conversation: they see every message in `messages`. */
  readonly members: Set<string>
  /** The messages that `messaging` knows, with their uploads. */
  readonly messages: Map<string, readonly string[]>
  /** The avatars that `auth` and `messaging` know, by the id of the user or conversation. */
  readonly avatars: Map<string, string | null>
  /** Those whom it asks what is still used. */
  readonly owners: Owners
  /** Starts another instance beside it. */
  startAnother(): Promise<AsyncDisposable>
  stopMessaging(): Promise<void>
  /** Stops the service itself, and leaves all else running. */
  stop(): Promise<void>
}

/** The service on servers of its own, with a `messaging` beside it that answers `isMember`. `s3Door`: how it reaches S3. */
export async function startForTest(
  options: Partial<Config> = {},
  s3Door?: string,
  clock?: Clock,
): Promise<MediaForTest> {
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
  const { db } = stack.use(openPostgres<Tables>({ url: database.url, service: 'media', log: silentLog }))
  // The one of today is done: tests make their own.
  await db.insertInto('reconciliations').values({ id: TODAYS_RECONCILIATION }).execute()
  await db.updateTable('reconciliations').set({ outcome: 'finished' }).execute()
  const service = stack.use(await startMedia(config, clock))
  const bus = stack.use(await connectBus({ url: nats.url, service: 'messaging', log: silentLog }))
  const mediaBus = stack.use(await connectBus({ url: nats.url, service: 'media', log: silentLog }))
  const members = new Set<string>()
  const messages = new Map<string, readonly string[]>()
  const avatars = new Map<string, string | null>()
  await ensureStream(bus, messaging)
  const serving = stack.use(
    await serve(bus, messaging, {
      isMember: async ({ userId }) => ({ member: members.has(userId) }),
      seesMessage: async ({ userId, messageId }) => ({ sees: members.has(userId) && messages.has(messageId) }),
      listAttachments: async ({ messageIds }) => ({
        messages: messageIds.flatMap((messageId) => {
          const uploadIds = messages.get(messageId)
          return uploadIds === undefined ? [] : [{ messageId, uploadIds: [...uploadIds] }]
        }),
      }),
      listAvatars: async ({ conversationIds }) => ({
        avatars: conversationIds.flatMap((conversationId) => {
          const avatarUrl = avatars.get(conversationId)
          return avatarUrl === undefined ? [] : [{ conversationId, avatarUrl }]
        }),
      }),
    }),
  )
  stack.use(
    await serve(bus, auth, {
      getUsers: async ({ userIds }) => ({
        users: userIds.flatMap((id) => {
          const avatarUrl = avatars.get(id)
          const createdAt = new Date().toISOString()
          return avatarUrl === undefined ? [] : [{ id, displayName: 'somebody', avatarUrl, createdAt }]
        }),
      }),
    }),
  )
  const s3 = stack.use(openS3(direct.s3))
  const started = stack.move()
  return {
    port: service.port,
    calls: callerOf(bus, media),
    config,
    bus,
    s3,
    db,
    members,
    messages,
    avatars,
    owners: { auth: callerOf(mediaBus, auth), messaging: callerOf(mediaBus, messaging) },
    startAnother: () => startMedia(config, clock),
    stop: async () => service[Symbol.asyncDispose](),
    stopMessaging: async () => serving[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

export const TODAYS_RECONCILIATION = uuidv7()

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
      prefix: '',
      forcePathStyle: true,
      encryption: undefined,
      credentials: { accessKeyId, secretAccessKey },
    },
    bucketSetup: { apply: true, allowedOrigins: ['*'] },
    maxBytes: { image: 1_000_000, video: 2_000_000, audio: 2_000_000, document: 500_000 },
    takes: () => true,
    dailyQuota: { uploads: 1_000, bytes: 1_000_000_000 },
    partsAboveBytes: 100_000_000,
    partBytes: 5 * 1024 * 1024,
    formLifetimeMs: 300_000,
    partsLifetimeMs: 300_000,
    settlingMs: 1_000,
    linkLifetimeMs: 60_000,
    avatarLinkLifetimeMs: 60_000,
    inspection: { atOnce: 2, timeoutMs: 30_000, memoryMb: 512, maxPixels: 10_000_000, extraCaCerts: undefined },
    clamd: undefined,
    orphanAfterMs: 24 * 60 * 60 * 1_000,
  }
}

/** Of a file that goes by a form. */
export type Reserved = OutputOf<typeof ReserveUpload> & { readonly form: object }

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
  const { upload: reserved, form, parts } = answer.value
  if (form === null) throw new Error('it goes in parts')
  return { upload: reserved, form, parts }
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

/** The same, and part of a message that `messaging` knows. */
export async function send(service: MediaForTest, userId: string, file: FileForTest): Promise<Reserved['upload']> {
  const uploaded = await upload(service, userId, file)
  const messageId = uuidv7()
  const attached = await service.calls.attachUploads({
    userId,
    conversationId: uploaded.conversationId!,
    messageId,
    attemptId: uuidv4(),
    uploadIds: [uploaded.id],
  })
  if (!attached.ok) throw new Error(attached.refusal.code)
  service.messages.set(messageId, [uploaded.id])
  return uploaded
}

/** An avatar that is ready and not used yet. */
export async function uploadAvatar(
  service: MediaForTest,
  userId: string,
  content: Uint8Array,
): Promise<Reserved['upload']> {
  const reserved = await service.calls.reserveAvatar({ ...actorOf(userId), type: 'image/png', size: content.length })
  if (!reserved.ok || reserved.value.form === null) throw new Error('no avatar was reserved')
  await post(reserved.value.form, content)
  const completed = await service.calls.completeUpload({ ...actorOf(userId), id: reserved.value.upload.id })
  if (!completed.ok) throw new Error(completed.refusal.code)
  return completed.value
}

/** Of all objects in the bucket. */
export async function keysOf({ s3 }: MediaForTest): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of listObjects(s3)) keys.push(key)
  return keys
}

/** A PNG image of one colour. */
export async function image(width: number, height: number): Promise<Uint8Array> {
  const background = { r: 20, g: 120, b: 200, alpha: 1 }
  return sharp({ create: { width, height, channels: 4, background } })
    .png()
    .toBuffer()
}

/** A PDF of one page, with as many bytes of something behind it as asked. */
export function pdf(trailingBytes = 0): Uint8Array {
  const file =
    '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n' +
    '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n'
  return text(file + ' '.repeat(trailingBytes))
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
