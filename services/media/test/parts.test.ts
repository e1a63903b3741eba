import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { testS3 } from '@parley/testing'
import type { S3 } from '@parley/s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { findObject } from '../src/store/objects.ts'
import { abandonParts, beginParts, joinParts, listGatherings, listParts } from '../src/store/parts.ts'
import { signParts } from '../src/store/signatures.ts'
import { bytes, everything, openS3ForTest } from './s3-for-test.ts'

// The first who asks for S3 waits until it has started.
beforeAll(async () => void (await testS3()))

const KEY = 'pending/2026-01/a'
/** S3 joins no smaller ones, but for the last. */
const PART = 5 * 1024 * 1024

describe('a file in parts', () => {
  test('is put part by part, in any order, and joined with the type it was begun with', async () => {
    using s3 = await openS3ForTest({ prefix: 'p/' })
    const { multipartId, urls, expiresAt } = await begun(s3, [PART, PART, 7])
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(50_000)
    expect(await listParts(s3, KEY, multipartId)).toEqual([])
    for (const [index, size] of [
      [2, 7],
      [0, PART],
      [1, PART],
    ] as const)
      expect(await put(urls[index]!, size)).toBe(200)
    const parts = await listParts(s3, KEY, multipartId)
    if (parts === 'gone') throw new Error('gone')
    expect(parts.map(({ number, size }) => ({ number, size }))).toEqual([
      { number: 1, size: PART },
      { number: 2, size: PART },
      { number: 3, size: 7 },
    ])
    expect(await findObject(s3, KEY)).toBeUndefined()
    expect(await joinParts(s3, KEY, multipartId, parts)).toBe('joined')
    const head = await s3.client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key: `p/${KEY}` }))
    expect(head).toMatchObject({ ContentLength: 2 * PART + 7, ContentType: 'video/mp4' })
  })

  test('may have a part put again, as after a broken connection', async () => {
    using s3 = await openS3ForTest()
    const { multipartId, urls } = await begun(s3, [10])
    expect(await put(urls[0]!, 10)).toBe(200)
    expect(await put(urls[0]!, 10)).toBe(200)
    expect(await listParts(s3, KEY, multipartId)).toHaveLength(1)
  })

  test('is listed page by page', async () => {
    using s3 = await openS3ForTest()
    const sizes = [11, 12, 13, 14, 15]
    const { multipartId, urls } = await begun(s3, sizes)
    for (const [index, url] of urls.entries()) await put(url, sizes[index]!)
    const parts = await listParts(s3, KEY, multipartId, 2)
    expect(parts === 'gone' ? parts : parts.map(({ number, size }) => [number, size])).toEqual(
      sizes.map((size, index) => [index + 1, size]),
    )
  })

  test.each<[what: string, size: number, change: (url: URL) => void]>([
    ['a larger part', 21, () => {}],
    ['a smaller part', 19, () => {}],
    ['nothing', 0, () => {}],
    ['another part', 20, ({ searchParams }) => searchParams.set('partNumber', '2')],
    ['another file in parts', 20, ({ searchParams }) => searchParams.set('uploadId', '2~another')],
    ['another key', 20, (url) => (url.pathname = url.pathname.replace('pending', 'ready'))],
    [
      'no part, but the file itself',
      20,
      ({ searchParams }) => {
        searchParams.delete('partNumber')
        searchParams.delete('uploadId')
      },
    ],
    ['a longer time', 20, ({ searchParams }) => searchParams.set('X-Amz-Expires', '6000')],
    ['a changed signature', 20, ({ searchParams }) => searchParams.set('X-Amz-Signature', 'f'.repeat(64))],
  ])('refuses %s', async (_, size, change) => {
    using s3 = await openS3ForTest()
    const { multipartId, urls } = await begun(s3, [20])
    const url = new URL(urls[0]!)
    change(url)
    expect(await put(url.href, size)).toBe(403)
    expect(await listParts(s3, KEY, multipartId)).toEqual([])
    expect(await findObject(s3, KEY)).toBeUndefined()
  })

  test('is not read, or ended, with the urls of its parts', async () => {
    using s3 = await openS3ForTest()
    const { multipartId, urls } = await begun(s3, [20])
    for (const method of ['GET', 'POST', 'DELETE']) {
      const asked = await fetch(urls[0]!, { method, ...(method === 'POST' ? { body: bytes(20) } : {}) })
      expect(asked.status).toBe(403)
    }
    expect(await listParts(s3, KEY, multipartId)).toEqual([])
  })

  test('refuses parts when its urls have expired', async () => {
    using s3 = await openS3ForTest()
    const { urls } = await begun(s3, [20], 1_000)
    await expect.poll(() => put(urls[0]!, 20)).toBe(403)
  })

  test('takes nothing more when it is joined or abandoned, which can be done again', async () => {
    using s3 = await openS3ForTest()
    const joined = await begun(s3, [20])
    await put(joined.urls[0]!, 20)
    const parts = await listParts(s3, KEY, joined.multipartId)
    if (parts === 'gone') throw new Error('gone')
    await joinParts(s3, KEY, joined.multipartId, parts)
    expect(await put(joined.urls[0]!, 20)).toBe(404)
    expect(await listParts(s3, KEY, joined.multipartId)).toBe('gone')
    // Some servers remember what they have joined.
    expect(await joinParts(s3, KEY, joined.multipartId, parts)).toBeOneOf(['joined', 'gone'])
    await abandonParts(s3, KEY, joined.multipartId)
    expect(await findObject(s3, KEY)).toMatchObject({ size: 20 })

    const abandoned = await begun(s3, [20], 60_000, 'pending/b')
    await put(abandoned.urls[0]!, 20)
    await abandonParts(s3, 'pending/b', abandoned.multipartId)
    await abandonParts(s3, 'pending/b', abandoned.multipartId)
    expect(await put(abandoned.urls[0]!, 20)).toBe(404)
    expect(await findObject(s3, 'pending/b')).toBeUndefined()
  })

  test('is not joined of other content than was listed', async () => {
    using s3 = await openS3ForTest()
    const { multipartId, urls } = await begun(s3, [20])
    await put(urls[0]!, 20)
    const parts = [{ number: 1, etag: `"${'f'.repeat(32)}"` }]
    await expect(joinParts(s3, KEY, multipartId, parts)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await findObject(s3, KEY)).toBeUndefined()
  })

  test('has in its urls what S3 needs, and nothing of the SDK’s own', async () => {
    using s3 = await openS3ForTest({ encryption: { algorithm: 'AES256', keyId: undefined } })
    // Begun as if nothing was encrypted, since that needs TLS here: the urls are the same.
    const { urls } = await signParts(s3, KEY, 'id', [20, 21], 60_000)
    expect(urls).toHaveLength(2)
    expect([...new URL(urls[1]!).searchParams.keys()].toSorted()).toEqual([
      'X-Amz-Algorithm',
      'X-Amz-Content-Sha256',
      'X-Amz-Credential',
      'X-Amz-Date',
      'X-Amz-Expires',
      'X-Amz-Signature',
      'X-Amz-SignedHeaders',
      'partNumber',
      'uploadId',
    ])
    expect(new URL(urls[1]!).searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;host')
    expect(new URL(urls[1]!).searchParams.get('partNumber')).toBe('2')
  })
})

describe('files in parts that nobody joined', () => {
  test('are listed page by page, below the prefix only', async () => {
    using s3 = await openS3ForTest({ prefix: 'p/' })
    const keys = ['pending/a', 'pending/a', 'pending/b', 'pending/c']
    const ids: string[] = []
    for (const key of keys) ids.push(await beginParts(s3, key, 'video/mp4'))
    await beginParts({ ...s3, prefix: 'other/' }, 'pending/d', 'video/mp4')
    const listed = await everything(listGatherings(s3, 2))
    expect(listed.map(({ key }) => key)).toEqual(keys)
    expect(listed.map(({ multipartId }) => multipartId).toSorted()).toEqual(ids.toSorted())
    expect(listed.every(({ begunAt }) => Math.abs(begunAt.getTime() - Date.now()) < 60_000)).toBe(true)
    for (const { key, multipartId } of listed) await abandonParts(s3, key, multipartId)
    expect(await everything(listGatherings(s3))).toEqual([])
  })
})

async function begun(s3: S3, sizes: readonly number[], lifetimeMs = 60_000, key = KEY) {
  const multipartId = await beginParts(s3, key, 'video/mp4')
  return { multipartId, ...(await signParts(s3, key, multipartId, sizes, lifetimeMs)) }
}

/** As a browser does, whose blobs may have a type. */
async function put(url: string, size: number): Promise<number> {
  const body = new Blob([Uint8Array.from(bytes(size))], { type: 'video/mp4' })
  return (await fetch(url, { method: 'PUT', body })).status
}
