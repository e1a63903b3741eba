import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { createBucket, ensureServers, startS3, type S3Server } from '@parley/local'
import { cephIsInstalled } from '../src/servers/ceph.ts'
import { minioIsInstalled } from '../src/servers/minio.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const SLOW_MS = 120_000
const KEY = { Bucket: 'kept', Key: 'folder/object' }

async function withClient<Result>(server: S3Server, use: (client: S3Client) => Promise<Result>): Promise<Result> {
  const { url: endpoint, region, accessKeyId, secretAccessKey } = server
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  })
  try {
    return await use(client)
  } finally {
    client.destroy()
  }
}

async function put(server: S3Server): Promise<void> {
  await createBucket(server, KEY.Bucket)
  await withClient(server, (client) => client.send(new PutObjectCommand({ ...KEY, Body: 'hello' })))
}

const read = (server: S3Server): Promise<string | undefined> =>
  withClient(server, async (client) => (await client.send(new GetObjectCommand(KEY))).Body?.transformToString())

await ensureServers(['s3'], { logFile: '/dev/null' })
const isCeph = cephIsInstalled() && !minioIsInstalled()

describe('S3', { timeout: SLOW_MS }, () => {
  test('keeps objects over a stop', async () => {
    await using directory = await temporaryDirectory()
    const first = await startS3({ directory: directory.path, durable: true })
    await put(first)
    await first[Symbol.asyncDispose]()
    await expect(fetch(first.url)).rejects.toThrow('fetch failed')

    await using second = await startS3({ directory: directory.path, durable: true })
    expect(second).toMatchObject({ accessKeyId: first.accessKeyId, secretAccessKey: first.secretAccessKey })
    expect(await read(second)).toBe('hello')
  })

  test('checks signatures, makes a bucket once, and can be given by URL with its keys', async () => {
    await using directory = await temporaryDirectory()
    await using own = await startS3({ directory: directory.path, durable: false })
    await put(own)
    await put(own)
    const { url, region, accessKeyId, secretAccessKey } = own
    expect((await fetch(`${url}/${KEY.Bucket}/${KEY.Key}`)).status).toBe(403)

    const given = { directory: '/nowhere', durable: true, url, region }
    const server = await startS3({ ...given, credentials: { accessKeyId, secretAccessKey } })
    expect(server).toMatchObject({ pid: null, url, accessKeyId })
    expect(await read(server)).toBe('hello')
    const start = startS3({ ...given, credentials: { accessKeyId, secretAccessKey: 'guessed' } })
    await expect(start).rejects.toThrow(/^The server of S3_ENDPOINT does not answer as it should: /)
  })
})

describe.runIf(isCeph)('the Ceph cluster', { timeout: SLOW_MS }, () => {
  test('keeps objects when all of it is killed, and starts again on the same port', async () => {
    await using directory = await temporaryDirectory()
    await using first = await startS3({ directory: directory.path, durable: true })
    await put(first)
    const records = (await readdir(directory.path)).filter((file) => file.endsWith('.process.json'))
    expect(records).toHaveLength(3)
    for (const record of records) {
      const { pid } = JSON.parse(await readFile(join(directory.path, record), 'utf8')) as { pid: number }
      process.kill(pid, 'SIGKILL')
    }
    expect(await first.ended).toContain('SIGKILL')
    await first[Symbol.asyncDispose]()

    const port = Number(new URL(first.url).port)
    await using second = await startS3({ directory: directory.path, durable: true, port })
    expect(second.url).toBe(first.url)
    expect(await read(second)).toBe('hello')
  })

  test('ends when any of its processes does, and disposing ends the others', async () => {
    await using directory = await temporaryDirectory()
    const server = await startS3({ directory: directory.path, durable: false })
    const record = await readFile(join(directory.path, 'ceph-osd.process.json'), 'utf8')
    process.kill((JSON.parse(record) as { pid: number }).pid, 'SIGKILL')
    expect(await server.ended).toBe('SIGKILL (ceph-osd)')
    await server[Symbol.asyncDispose]()
    expect(spawnSync('ls', [directory.path]).stdout.toString()).not.toContain('.process.json')
  })

  test('is made anew when a start was killed before it was made to its end', async () => {
    await using directory = await temporaryDirectory()
    await mkdir(join(directory.path, 'ceph/osd'), { recursive: true })
    await writeFile(join(directory.path, 'ceph/keyring'), 'half')
    await using server = await startS3({ directory: directory.path, durable: true })
    await put(server)
  })

  test('takes another port for its monitor when that was taken while it was stopped', async () => {
    await using directory = await temporaryDirectory()
    const first = await startS3({ directory: directory.path, durable: true })
    await put(first)
    await first[Symbol.asyncDispose]()
    const cluster = JSON.parse(await readFile(join(directory.path, 'ceph/cluster.json'), 'utf8')) as {
      monitorPort: number
    }
    const intruder = createServer().listen(cluster.monitorPort, '127.0.0.1')
    await once(intruder, 'listening')
    try {
      await using second = await startS3({ directory: directory.path, durable: true })
      expect(await read(second)).toBe('hello')
      await second[Symbol.asyncDispose]()
      await using third = await startS3({ directory: directory.path, durable: true })
      expect(await read(third)).toBe('hello')
    } finally {
      intruder.close()
    }
  })
})
