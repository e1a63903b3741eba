import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { testS3 } from '@parley/testing'
import type { S3 } from '@parley/s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { copyObject } from '../src/store/copy-object.ts'
import { findObject, putObject } from '../src/store/objects.ts'
import { signForm, signInspection, signLink, type Form } from '../src/store/signatures.ts'
import { bytes, openS3ForTest, postForm, text } from './s3-for-test.ts'

// The first who asks for S3 waits until it has started.
beforeAll(async () => void (await testS3()))

const KEY = 'pending/2026-01/a'
const LINK = { key: 'ready/a', type: 'application/pdf', disposition: 'attachment; filename="a.pdf"' }

describe('a form', () => {
  test('takes one object of its key, its type and at most its size', async () => {
    using s3 = await openS3ForTest()
    const form = await signedForm(s3)
    expect((await postForm(form, bytes(100))).status).toBe(201)
    const head = await s3.client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key: KEY }))
    expect(head).toMatchObject({ ContentLength: 100, ContentType: 'application/pdf' })
    expect(Date.parse(form.expiresAt) - Date.now()).toBeLessThanOrEqual(60_000)
  })

  test.each<[what: string, size: number, change: (form: Form) => Record<string, string>]>([
    ['more than its size', 101, () => ({})],
    ['nothing', 0, () => ({})],
    ['another type', 100, () => ({ 'Content-Type': 'text/html' })],
    ['another key', 100, () => ({ key: 'ready/2026-01/a' })],
    ['a key below its own', 100, () => ({ key: `${KEY}/b` })],
    ['a changed signature', 100, ({ fields }) => ({ 'X-Amz-Signature': changed(fields['X-Amz-Signature']!) })],
    ['a policy for more', 100, ({ fields }) => ({ Policy: withLimit(fields['Policy']!, 1_000_000) })],
    ['a policy that lasts longer', 100, ({ fields }) => ({ Policy: lasting(fields['Policy']!) })],
    ['no policy', 100, () => ({ Policy: '' })],
    ['another answer than was agreed', 100, () => ({ success_action_status: '200' })],
    ['an ACL', 100, () => ({ acl: 'public-read' })],
    ['metadata', 100, () => ({ 'x-amz-meta-by': 'somebody' })],
    ['a redirect', 100, () => ({ success_action_redirect: 'https://elsewhere.example' })],
  ])('refuses %s', async (_, size, change) => {
    using s3 = await openS3ForTest()
    const form = await signedForm(s3)
    const posted = await postForm(form, bytes(size), change(form))
    expect(posted.status).toBeGreaterThanOrEqual(400)
    expect(posted.status).toBeLessThan(500)
    expect(await findObject(s3, KEY)).toBeUndefined()
  })

  test('refuses to be posted without its type', async () => {
    using s3 = await openS3ForTest()
    const { url, fields } = await signedForm(s3)
    const { 'Content-Type': _, ...rest } = fields
    expect((await postForm({ url, fields: rest }, bytes(10))).status).toBe(403)
  })

  test('is for its own bucket', async () => {
    using s3 = await openS3ForTest()
    using another = await openS3ForTest()
    const { url, fields } = await signedForm(s3)
    const elsewhere = { url: url.replace(s3.bucket, another.bucket), fields }
    expect((await postForm(elsewhere, bytes(10))).status).toBe(403)
    expect((await postForm(elsewhere, bytes(10), { bucket: another.bucket })).status).toBe(403)
    expect(await findObject(another, KEY)).toBeUndefined()
  })

  test('refuses all when it has expired', async () => {
    using s3 = await openS3ForTest()
    const form = await signForm(s3, { key: KEY, type: 'application/pdf', maxBytes: 100 }, 1_000)
    await expect.poll(async () => (await postForm(form, bytes(10))).status).toBe(403)
    expect(Date.parse(form.expiresAt)).toBeLessThanOrEqual(Date.now())
  })

  test('that is posted again later cannot change the copy that was made of the first content', async () => {
    using s3 = await openS3ForTest()
    const form = await signedForm(s3)
    await postForm(form, 'the checked content')
    const { etag } = (await findObject(s3, KEY))!
    expect(await copyObject(s3, KEY, 'ready/a', etag, { type: 'application/pdf' })).toBe('copied')
    const ready = await findObject(s3, 'ready/a')
    expect((await postForm(form, 'something else')).status).toBe(201)
    expect(await copyObject(s3, KEY, 'ready/a', etag, { type: 'application/pdf' })).toBe('changed')
    expect(await findObject(s3, 'ready/a')).toEqual(ready)
    const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: s3.bucket, Key: 'ready/a' }))
    expect(await Body?.transformToString()).toBe('the checked content')
  })
})

describe('a link', () => {
  test('answers with the type, the disposition and the time to keep it that were said', async () => {
    using s3 = await withReady()
    const { url, expiresAt } = await signLink(s3, { ...LINK, cacheControl: 'private, max-age=60' }, 60_000)
    const read = await fetch(url)
    expect(read.status).toBe(200)
    expect(Object.fromEntries(read.headers)).toMatchObject({
      'content-type': 'application/pdf',
      'content-disposition': 'attachment; filename="a.pdf"',
      'cache-control': 'private, max-age=60',
    })
    expect(await read.text()).toBe('0123456789')
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 60_000)).toBeLessThan(5_000)
  })

  test('answers ranges, and headers alone', async () => {
    using s3 = await withReady()
    const { url } = await signLink(s3, LINK, 60_000)
    const range = await fetch(url, { headers: { range: 'bytes=2-4' } })
    expect([range.status, range.headers.get('content-range'), await range.text()]).toEqual([206, 'bytes 2-4/10', '234'])
    expect((await fetch(url, { headers: { range: 'bytes=20-' } })).status).toBe(416)
    expect(range.headers.get('content-type')).toBe('application/pdf')
  })

  test.each(['HEAD', 'PUT', 'DELETE', 'POST'])('is not for %s', async (method) => {
    using s3 = await withReady()
    const { url } = await signLink(s3, LINK, 60_000)
    const asked = await fetch(url, { method, ...(method === 'PUT' || method === 'POST' ? { body: 'other' } : {}) })
    expect(asked.status).toBeGreaterThanOrEqual(400)
    expect(asked.status).toBeLessThan(500)
    expect(await findObject(s3, 'ready/a')).toMatchObject({ size: 10 })
  })

  test.each<[what: string, change: (url: URL) => void]>([
    ['another disposition', ({ searchParams }) => searchParams.set('response-content-disposition', 'inline')],
    ['no disposition', ({ searchParams }) => searchParams.delete('response-content-disposition')],
    ['another type', ({ searchParams }) => searchParams.set('response-content-type', 'text/html')],
    ['another language', ({ searchParams }) => searchParams.set('response-content-language', 'en')],
    ['another key', (url) => (url.pathname = url.pathname.replace('ready/a', 'ready/b'))],
    ['the whole bucket', (url) => (url.pathname = url.pathname.replace('ready/a', ''))],
    ['a longer time', ({ searchParams }) => searchParams.set('X-Amz-Expires', '600')],
    ['a later beginning', ({ searchParams }) => searchParams.set('X-Amz-Date', '20990101T000000Z')],
    ['a changed signature', ({ searchParams }) => searchParams.set('X-Amz-Signature', 'f'.repeat(64))],
    ['no signature', (url) => (url.search = '')],
  ])('does not answer for %s', async (_, change) => {
    using s3 = await withReady()
    await putObject(s3, 'ready/b', text('not yours'), { type: 'text/plain' })
    const url = new URL((await signLink(s3, LINK, 60_000)).url)
    change(url)
    expect((await fetch(url)).status).toBe(403)
  })

  test('does not answer when it has expired', async () => {
    using s3 = await withReady()
    const { url } = await signLink(s3, LINK, 1_000)
    await expect.poll(async () => (await fetch(url)).status).toBe(403)
  })

  test('has in it what S3 needs, and nothing of the SDK’s own', async () => {
    using s3 = await withReady()
    const { url } = await signLink(s3, LINK, 60_000)
    expect([...new URL(url).searchParams.keys()].toSorted()).toEqual([
      'X-Amz-Algorithm',
      'X-Amz-Content-Sha256',
      'X-Amz-Credential',
      'X-Amz-Date',
      'X-Amz-Expires',
      'X-Amz-Signature',
      'X-Amz-SignedHeaders',
      'response-content-disposition',
      'response-content-type',
    ])
    expect(new URL(url).searchParams.get('X-Amz-SignedHeaders')).toBe('host')
  })
})

describe('a link for a checking thread', () => {
  test('answers, in whole or a range, with exactly the content that was meant', async () => {
    using s3 = await withReady()
    const { etag } = (await findObject(s3, 'ready/a'))!
    const { url, headers } = await signInspection(s3, 'ready/a', etag, 60_000)
    expect(await (await fetch(url, { headers })).text()).toBe('0123456789')
    const range = await fetch(url, { headers: { ...headers, range: 'bytes=0-1' } })
    expect([range.status, await range.text()]).toEqual([206, '01'])
    await putObject(s3, 'ready/a', text('9876543210'), { type: 'text/plain' })
    expect((await fetch(url, { headers })).status).toBe(412)
    expect((await fetch(url, { headers: { ...headers, range: 'bytes=0-1' } })).status).toBe(412)
  })

  test('does not answer without its condition, or with another', async () => {
    using s3 = await withReady()
    const { etag } = (await findObject(s3, 'ready/a'))!
    const { url, headers } = await signInspection(s3, 'ready/a', etag, 60_000)
    expect((await fetch(url)).status).toBe(403)
    expect((await fetch(url, { headers: { 'if-match': '*' } })).status).toBe(403)
    expect(new URL(url).searchParams.get('X-Amz-SignedHeaders')).toBe('host;if-match')
    expect(Object.keys(headers)).toEqual(['if-match'])
    expect(url).not.toMatch(/x-id|checksum/i)
  })
})

const signedForm = (s3: S3): Promise<Form> => signForm(s3, { key: KEY, type: 'application/pdf', maxBytes: 100 }, 60_000)

async function withReady(): Promise<S3> {
  const s3 = await openS3ForTest()
  const uploaded = { Bucket: s3.bucket, Key: 'ready/a', Body: '0123456789', ContentType: 'text/html' }
  await s3.client.send(new PutObjectCommand(uploaded))
  return s3
}

const changed = (signature: string): string => (signature.startsWith('0') ? '1' : '0') + signature.slice(1)

interface Policy {
  expiration: string
  conditions: unknown[]
}

const withPolicy = (encoded: string, change: (policy: Policy) => Policy): string =>
  Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(encoded, 'base64').toString()) as Policy))).toString(
    'base64',
  )

const withLimit = (encoded: string, maxBytes: number): string =>
  withPolicy(encoded, (policy) => {
    const conditions = policy.conditions.filter((condition) => !Array.isArray(condition))
    return { ...policy, conditions: [...conditions, ['content-length-range', 1, maxBytes]] }
  })

const lasting = (encoded: string): string =>
  withPolicy(encoded, (policy) => ({ ...policy, expiration: '2099-01-01T00:00:00Z' }))
