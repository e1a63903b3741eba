import { HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { setTimeout as delay } from 'node:timers/promises'
import { testS3 } from '@parley/testing'
import { openS3, type S3, within } from '@parley/s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { findObject, listObjects, putObject, readObject, removeObject, removeObjects } from '../src/store/objects.ts'
import { copyObject } from '../src/store/copy-object.ts'
import { openS3Door, type S3Door } from './s3-door.ts'
import { bytes, everything, openS3ForTest, s3Settings, text } from './s3-for-test.ts'

// The first who asks for S3 waits until it has started.
beforeAll(async () => void (await testS3()))

const never = new AbortController().signal
const TYPE = { type: 'application/pdf' }

describe('an object', () => {
  test('is found and read as it was put, with its type', async () => {
    using s3 = await openS3ForTest({ prefix: 'some/where/' })
    await putObject(s3, 'pending/a', text('content'), { type: 'image/webp', cacheControl: 'private, max-age=5' })
    const found = await findObject(s3, 'pending/a')
    expect(found).toEqual({ size: 7, etag: expect.stringMatching(/^".+"$/) })
    expect(await read(s3, 'pending/a')).toEqual(Buffer.from('content'))
    const head = await s3.client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key: 'some/where/pending/a' }))
    expect(head).toMatchObject({ ContentType: 'image/webp', CacheControl: 'private, max-age=5' })
  })

  test('that is not there is not found, and removed already', async () => {
    using s3 = await openS3ForTest()
    expect(await findObject(s3, 'pending/a')).toBeUndefined()
    await removeObject(s3, 'pending/a')
    await removeObjects(s3, ['pending/a', 'pending/b'])
    await removeObjects(s3, [])
    expect(await readObject(s3, 'pending/a', '"etag"', never)).toBe('gone')
    expect(await copyObject(s3, 'pending/a', 'ready/a', '"etag"', TYPE)).toBe('gone')
  })

  test('is copied with the type that is said, and without anything else that was said of it', async () => {
    using s3 = await openS3ForTest({ prefix: 'a prefix+with (signs)/' })
    const posted = {
      ContentType: 'text/html',
      CacheControl: 'public',
      Metadata: { by: 'somebody' },
      ContentEncoding: 'gzip',
    }
    const there = { Bucket: s3.bucket, Key: `${s3.prefix}pending/a` }
    await s3.client.send(new PutObjectCommand({ ...there, Body: 'content', ...posted }))
    const { etag } = (await findObject(s3, 'pending/a'))!
    expect(await copyObject(s3, 'pending/a', 'ready/a', etag, TYPE)).toBe('copied')
    expect(await read(s3, 'ready/a')).toEqual(Buffer.from('content'))
    const head = await s3.client.send(new HeadObjectCommand({ ...there, Key: `${s3.prefix}ready/a` }))
    expect(head).toMatchObject({ ContentType: 'application/pdf', Metadata: {} })
    expect(head.CacheControl).toBeUndefined()
    expect(head.ContentEncoding).toBeUndefined()
  })

  test('with another content than was known is neither read nor copied', async () => {
    using s3 = await openS3ForTest()
    await putObject(s3, 'pending/a', text('first'), TYPE)
    const { etag } = (await findObject(s3, 'pending/a'))!
    await putObject(s3, 'pending/a', text('other'), TYPE)
    expect(await readObject(s3, 'pending/a', etag, never)).toBe('changed')
    expect(await copyObject(s3, 'pending/a', 'ready/a', etag, TYPE)).toBe('changed')
    expect(await findObject(s3, 'ready/a')).toBeUndefined()
  })

  test('is copied by servers that refuse the header by which Ceph knows the condition', async () => {
    await using behind = await behindDoor()
    const { s3, door } = behind
    await putObject(s3, 'pending/a', text('first'), TYPE)
    const { etag } = (await findObject(s3, 'pending/a'))!
    door.set(({ headers }) => ('x-amz-copy-if-match' in headers ? 'bad-request' : 'open'))
    expect(await copyObject(s3, 'pending/a', 'ready/a', etag, TYPE)).toBe('copied')
    expect(await read(s3, 'ready/a')).toEqual(Buffer.from('first'))
  })

  test('may be as large as the largest image', async () => {
    using s3 = await openS3ForTest()
    const content = bytes(25 * 1024 * 1024)
    await putObject(s3, 'ready/a', content, TYPE)
    expect((await read(s3, 'ready/a')).equals(content)).toBe(true)
  })
})

describe('many objects', () => {
  test('are removed together, also more than S3 takes at once', async () => {
    using s3 = await openS3ForTest({ prefix: 'p/' })
    const keys = Array.from({ length: 1_001 }, (_, index) => `pending/${index}`)
    for (const key of ['pending/0', 'pending/1000', 'pending/stays']) await putObject(s3, key, text(key), TYPE)
    await removeObjects(s3, keys)
    expect(await keysIn(s3)).toEqual(['pending/stays'])
  })

  test.each(['not-implemented', 'bad-request'] as const)(
    'are removed one by one where S3 cannot do it together (%s)',
    async (state) => {
      await using behind = await behindDoor()
      const { s3, door } = behind
      for (const key of ['a', 'b', 'c']) await putObject(s3, key, text(key), TYPE)
      door.set(({ url }) => (/[?&]delete\b/.test(url ?? '') ? state : 'open'))
      await removeObjects(s3, ['a', 'b', 'none'])
      expect(await keysIn(s3)).toEqual(['c'])
    },
  )

  test('are listed page by page, without the prefix, and without what is not below it', async () => {
    const settings = await s3Settings()
    using all = openS3(settings)
    using s3 = openS3({ ...settings, prefix: 'ours/' })
    const keys = ['pending/a', 'pending/b', 'ready/c', 'ready/d', 'thumbnails/e']
    for (const key of keys) await putObject(s3, key, text(key), TYPE)
    await putObject(all, 'theirs/f', text('f'), TYPE)
    const before = Date.now() - 60_000
    const listed = await everything(listObjects(s3, 2))
    expect(listed.map(({ key }) => key)).toEqual(keys)
    expect(listed[0]).toEqual({ key: 'pending/a', size: 9, modifiedAt: expect.any(Date) })
    expect(listed.every(({ modifiedAt }) => modifiedAt.getTime() > before)).toBe(true)
    expect(await keysIn(all)).toHaveLength(6)
  })

  test('are listed whatever keys others have given theirs', async () => {
    using s3 = await openS3ForTest()
    const keys = ['a b+c%2Bd', 'nasty \u0001 & <key>', 'ä/ü/🙂']
    for (const key of keys) await putObject(s3, key, text(key), TYPE)
    expect(await keysIn(s3)).toEqual(keys.toSorted())
  })
})

describe('what is read', () => {
  test('fails when it breaks off: it never just ends', async () => {
    await using behind = await behindDoor()
    const { content, door, key } = await withContent(behind)
    door.set('cut-off')
    await expect(collect(await content(key))).rejects.toThrow('s3 broke off in the middle of an object')
  })

  test('fails when S3 stops sending, and when nobody begins to read the connection is given back', async () => {
    await using behind = await behindDoor()
    const { content, door, key } = await withContent(behind)
    door.set('stalling')
    const unread = await content(key)
    await expect(collect(await content(key))).rejects.toMatchObject({ code: 'unavailable' })
    await expect(collect(unread)).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('may be read slowly', async () => {
    await using behind = await behindDoor()
    const { content, key, size } = await withContent(behind)
    let read = 0
    for await (const part of await content(key)) {
      if (read === 0) await delay(7_000)
      read += part.length
    }
    expect(read).toBe(size)
  })

  test('ends with the signal of who reads', async () => {
    await using behind = await behindDoor()
    const { s3, door, key, etag } = await withContent(behind)
    door.set('stalling')
    const stopping = new AbortController()
    const reading = await readObject(s3, key, etag, stopping.signal)
    if (typeof reading === 'string') throw new Error(reading)
    const began = performance.now()
    const collecting = collect(reading)
    stopping.abort()
    await expect(collecting).rejects.toMatchObject({ code: 'unavailable' })
    expect(performance.now() - began).toBeLessThan(2_000)
  })
})

describe('an S3 in trouble', () => {
  test.each(['slow-down', 'closed', 'failing-late'] as const)(
    'is unavailable, and nobody’s fault (%s)',
    async (state) => {
      await using behind = await behindDoor()
      const { s3, door, key, etag } = await withContent(behind)
      door.set(state)
      const unavailable = { name: 'BusError', code: 'unavailable' }
      await expect(copyObject(s3, key, 'ready/a', etag, TYPE)).rejects.toMatchObject(unavailable)
      if (state === 'failing-late') return
      await expect(findObject(s3, key)).rejects.toMatchObject(unavailable)
      await expect(putObject(s3, key, text('content'), TYPE)).rejects.toMatchObject(unavailable)
      await expect(readObject(s3, key, etag, never)).rejects.toMatchObject(unavailable)
      await expect(removeObjects(s3, [key])).rejects.toMatchObject(unavailable)
      await expect(keysIn(s3)).rejects.toMatchObject(unavailable)
    },
  )

  test('that says once that it is too busy is asked again', async () => {
    await using behind = await behindDoor()
    const { s3, door, key, etag } = await withContent(behind)
    let asked = 0
    door.set(() => (asked++ === 0 ? 'slow-down' : 'open'))
    expect(await copyObject(s3, key, 'ready/a', etag, TYPE)).toBe('copied')
  })

  test.each(['hanging', 'stalling'] as const)('is not waited for for ever (%s)', async (state) => {
    await using behind = await behindDoor()
    const { s3, door } = await withContent(behind)
    door.set(state)
    const began = performance.now()
    await expect(s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket }), soon())).rejects.toThrow()
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

const soon = () => within(500)

interface BehindDoor extends AsyncDisposable {
  readonly s3: S3
  readonly door: S3Door
}

async function behindDoor(): Promise<BehindDoor> {
  const settings = await s3Settings()
  const door = await openS3Door(settings.endpoint)
  const s3 = openS3({ ...settings, endpoint: door.endpoint })
  return {
    s3,
    door,
    async [Symbol.asyncDispose]() {
      s3[Symbol.dispose]()
      await door[Symbol.asyncDispose]()
    },
  }
}

async function withContent({ s3, door }: BehindDoor) {
  const [key, size] = ['pending/a', 4_000_000]
  await putObject(s3, key, bytes(size), TYPE)
  const { etag } = (await findObject(s3, key))!
  const content = async (of: string) => {
    const found = await readObject(s3, of, etag, never)
    if (typeof found === 'string') throw new Error(found)
    return found
  }
  return { s3, door, key, size, etag, content }
}

async function read(s3: S3, key: string): Promise<Buffer> {
  const { etag } = (await findObject(s3, key))!
  const found = await readObject(s3, key, etag, never)
  if (typeof found === 'string') throw new Error(found)
  return collect(found)
}

const collect = async (content: AsyncIterable<Uint8Array>): Promise<Buffer> => Buffer.concat(await everything(content))

const keysIn = async (s3: S3): Promise<string[]> => (await everything(listObjects(s3))).map(({ key }) => key).toSorted()
