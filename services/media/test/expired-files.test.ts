import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import { testS3 } from '@parley/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { pendingKey } from '../src/domain/object-keys.ts'
import { listParts } from '../src/store/parts.ts'
import { openS3Door, type S3Door } from './s3-door.ts'
import { beginPartsOf, insertSent, putObjectsOf, tellTwice } from './sent-files.ts'
import { keysOf, startForTest, type MediaForTest } from './start-for-test.ts'

let endpoint: string
beforeAll(async () => void ({ endpoint } = await testS3()))

const PATIENCE = { timeout: 200_000, interval: 200 }

describe('files of messages that expire', () => {
  test('are gone within seconds, thousands of them told twice to two instances, and those of others stay', async () => {
    await using service = await startForTest()
    const files = await insertSent(service, 3_000)
    const others = await insertSent(service, 20)
    const inBucket = files.filter((_, index) => index % 100 === 0)
    await putObjectsOf(service, [...inBucket, ...others])
    await using another = await service.startAnother()
    expect(another).toBeDefined()
    const startedAt = performance.now()
    await tellTwice(service.bus, files)
    // Nothing at all is kept of them, and nothing changes when it is told once more.
    await expect.poll(() => idsOf(service), PATIENCE).toEqual(others.map(({ id }) => id).toSorted())
    expect(performance.now() - startedAt).toBeLessThan(60_000)
    await expect.poll(async () => (await keysOf(service)).length, PATIENCE).toBe(others.length * 4)
    await expect.poll(() => untaken(service), PATIENCE).toBe(0)
  }, 240_000)

  test('go whole while S3 fails half of the requests: the file, thumbnails, what was posted, and parts', async () => {
    await using door = await openS3Door(endpoint)
    await using service = await startForTest({}, door.endpoint)
    const files = await insertSent(service, 80)
    await putObjectsOf(service, files)
    const gatherings = await Promise.all(files.slice(0, 8).map((file) => beginPartsOf(service, file)))
    failHalf(door)
    await tellTwice(service.bus, files)
    await expect.poll(() => idsOf(service), PATIENCE).toEqual([])
    expect(await keysOf(service)).toEqual([])
    for (const [index, multipartId] of gatherings.entries()) {
      expect(await listParts(service.s3, pendingKey(files[index]!), multipartId)).toBe('gone')
    }
  }, 240_000)

  test('are hidden at once and forgotten by name while S3 hangs, and are removed when it answers again', async () => {
    await using door = await openS3Door(endpoint)
    await using service = await startForTest({}, door.endpoint)
    const files = await insertSent(service, 300)
    await putObjectsOf(service, files.slice(0, 10))
    door.set('hanging')
    await tellTwice(service.bus, files)
    await expect.poll(() => statesAndNames(service), PATIENCE).toEqual([{ state: 'deleted', name: '', blurhash: null }])
    expect(await keysOf(service)).toHaveLength(40)
    door.set('open')
    await expect.poll(() => idsOf(service), PATIENCE).toEqual([])
    expect(await keysOf(service)).toEqual([])
  }, 240_000)

  test('go whole though instances are killed while they hear of them, ask S3, and have been answered', async () => {
    await using door = await openS3Door(endpoint)
    await using service = await startForTest({}, door.endpoint)
    await service.stop()
    const files = await insertSent(service, 250)
    await putObjectsOf(service, files)
    await tellTwice(service.bus, files)

    door.set((asked) => (isRemoval(asked) ? 'slow-down' : 'open'))
    await using hearing = startProcess(service, door)
    await expect.poll(() => deletedRows(service), { timeout: 60_000, interval: 5 }).toBeGreaterThan(0)
    await hearing.kill()

    const asked = nextRemoval(door, 'hanging')
    await using asking = startProcess(service, door)
    await asked
    await asking.kill()

    // S3 has removed them, and nobody knows.
    const answering = nextRemoval(door, 'stalling')
    await using answered = startProcess(service, door)
    await answering
    await expect.poll(async () => (await keysOf(service)).length, PATIENCE).toBeLessThan(files.length * 4)
    await answered.kill()

    door.set((asked) => (isRemoval(asked) && Math.random() < 0.5 ? 'slow-down' : 'open'))
    await using last = startProcess(service, door)
    await using beside = startProcess(service, door)
    await expect.poll(() => idsOf(service), PATIENCE).toEqual([])
    expect(await keysOf(service)).toEqual([])
    expect([last.isRunning(), beside.isRunning()]).toEqual([true, true])
  }, 300_000)
})

/** In no order that attempts could fall in step with. */
function failHalf(door: S3Door): void {
  door.set(() => (Math.random() < 0.5 ? 'slow-down' : 'open'))
}

/** Resolves when objects are about to be removed, which is all that the door does not let through any more. */
function nextRemoval(door: S3Door, state: 'hanging' | 'stalling'): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  door.set((asked) => {
    if (!isRemoval(asked)) return 'open'
    resolve()
    return state
  })
  return promise
}

const isRemoval = ({ method, url }: IncomingMessage): boolean => method === 'POST' && /[?&]delete/.test(url ?? '')

/** An instance as a process of its own, which disposing kills. */
function startProcess({ config }: MediaForTest, door: S3Door) {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const { accessKeyId, secretAccessKey } = config.s3.credentials as { accessKeyId: string; secretAccessKey: string }
  const env = {
    PARLEY_ENV: 'development',
    LOG_LEVEL: 'silent',
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    NATS_URL: config.natsUrl,
    POSTGRES_URL: config.postgresUrl,
    S3_ENDPOINT: door.endpoint,
    S3_PUBLIC_ENDPOINT: endpoint,
    S3_REGION: config.s3.region,
    S3_BUCKET: config.s3.bucket,
    S3_BUCKET_SETUP: 'check',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }
  const child = spawn(process.execPath, [main], { env, stdio: 'ignore' })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  return { kill, isRunning: () => child.exitCode === null, [Symbol.asyncDispose]: kill }
}

async function idsOf({ db }: MediaForTest): Promise<string[]> {
  const rows = await db.selectFrom('uploads').select('id').orderBy('id').execute()
  return rows.map(({ id }) => id)
}

function statesAndNames({ db }: MediaForTest) {
  return db.selectFrom('uploads').select(['state', 'name', 'blurhash']).distinct().execute()
}

async function deletedRows({ db }: MediaForTest): Promise<number> {
  const rows = await db.selectFrom('uploads').select('id').where('state', '=', 'deleted').execute()
  return rows.length
}

/** Events that were not heard to their end. */
async function untaken({ bus }: MediaForTest): Promise<number> {
  const { consumers } = await bus.nats.jetstreamManager()
  const { num_pending: pending, num_ack_pending: taken } = await consumers.info(
    'MESSAGING',
    'media-attachments-removed',
  )
  return pending + taken
}
