import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { testS3 } from '@parley/testing'
import { openS3, type S3, type S3Settings } from '@parley/s3'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { findObject, listObjects, putObject } from '../src/store/objects.ts'
import { beginParts, joinParts, listParts } from '../src/store/parts.ts'
import { signForm, signInspection, signLink, signParts } from '../src/store/signatures.ts'
import { openS3Door } from './s3-door.ts'
import { bytes, everything, openS3ForTest, postForm, s3Settings } from './s3-for-test.ts'

// The first who asks for S3 waits until it has started.
beforeAll(async () => void (await testS3()))
afterEach(() => void vi.unstubAllEnvs())

const TYPE = 'application/pdf'

describe('where clients reach S3', () => {
  test.each(['', '/files', '/files/s3/'])(
    'may be another place than where the service does: https://…%s',
    async (given) => {
      const path = given.replace(/\/$/, '')
      const settings = await s3Settings({ prefix: 'p/' })
      await using inside = await openS3Door(settings.endpoint)
      await using outside = await openS3Door(settings.endpoint, { path })
      const publicEndpoint = outside.endpoint + given
      using s3 = openS3({ ...settings, endpoint: inside.endpoint, publicEndpoint })
      await expectAllToWork(s3, `${outside.endpoint}${path}/${s3.bucket}`)
      // What only the service uses.
      const { etag } = (await findObject(s3, 'pending/a'))!
      const inspection = await signInspection(s3, 'pending/a', etag, 60_000)
      expect(inspection.url).toMatch(inside.endpoint)
      expect((await fetch(inspection.url, { headers: inspection.headers })).status).toBe(200)
      // The service itself never goes there, nor do clients go inside.
      outside.set('closed')
      expect(await findObject(s3, 'pending/a')).toBeDefined()
    },
  )

  test('may be below a path that S3 itself has', async () => {
    const settings = await s3Settings({ endpoint: 'https://storage.example.org/v1/s3' })
    using s3 = openS3(settings)
    const place = `https://storage.example.org/v1/s3/${s3.bucket}`
    expect(await urlsOf(s3)).toEqual(
      [place, `${place}/pending/a`, `${place}/pending/a`].map((url) => expect.stringContaining(url)),
    )
    using other = openS3({ ...settings, publicEndpoint: 'https://files.example.org/parley' })
    const publicPlace = `https://files.example.org/parley/${s3.bucket}`
    expect((await urlsOf(other)).every((url) => url.startsWith(publicPlace))).toBe(true)
  })

  test('may be a host name of the bucket’s own', async () => {
    const settings = await s3Settings()
    using inside = openS3(settings)
    using outside = openS3({ ...settings, publicEndpoint: 'http://s3.test', forcePathStyle: false })
    const host = `${inside.bucket}.s3.test`
    const [form, part, link] = await urlsOf(outside, await beginParts(inside, 'pending/a', TYPE))
    expect(form).toBe(`http://${host}/`)
    const signed = await signForm(outside, { key: 'pending/a', type: TYPE, maxBytes: 100 }, 60_000)
    // There is nobody here who knows that name.
    await using door = await openS3Door(settings.endpoint, { host })
    const here = (url: string) => url.replace(`http://${host}`, door.endpoint)
    expect((await postForm({ ...signed, url: here(signed.url) }, bytes(10))).status).toBe(201)
    expect((await fetch(here(part!), { method: 'PUT', body: Uint8Array.from(bytes(10)) })).status).toBe(200)
    expect((await fetch(here(link!))).status).toBe(200)
    expect(await findObject(inside, 'pending/a')).toMatchObject({ size: 10 })
  })

  test('is AWS itself where no endpoint is given: the bucket is part of the host name', async () => {
    using s3 = openS3(await awsSettings({ region: 'eu-central-1' }))
    const host = `https://${s3.bucket}.s3.eu-central-1.amazonaws.com/`
    const [form, part, link] = await urlsOf(s3)
    expect(form).toBe(host)
    expect(part?.startsWith(`${host}pending/a?`)).toBe(true)
    expect(link?.startsWith(`${host}pending/a?`)).toBe(true)
    expect(link).toMatch(/X-Amz-Credential=[^&]*%2Feu-central-1%2Fs3%2Faws4_request/)
  })

  test('may be another entrance to AWS', async () => {
    const publicEndpoint = 'https://s3.dualstack.eu-central-1.amazonaws.com'
    using s3 = openS3(await awsSettings({ region: 'eu-central-1', publicEndpoint }))
    const host = `https://${s3.bucket}.s3.dualstack.eu-central-1.amazonaws.com/`
    for (const url of await urlsOf(s3)) expect(url.startsWith(host)).toBe(true)
  })

  test('is in the region that the environment names where the settings name none', async () => {
    vi.stubEnv('AWS_REGION', 'eu-west-3')
    using s3 = openS3(await awsSettings({ region: undefined }))
    expect((await urlsOf(s3))[0]).toBe(`https://${s3.bucket}.s3.eu-west-3.amazonaws.com/`)
  })
})

describe('a prefix', () => {
  test('stands before all that is written, and nobody sees it', async () => {
    const settings = await s3Settings()
    using all = openS3(settings)
    using s3 = openS3({ ...settings, prefix: 'chat/parley/' })
    await expectAllToWork(s3, `${settings.endpoint}/${s3.bucket}`)
    expect((await keysIn(all)).every((key) => key.startsWith('chat/parley/pending/'))).toBe(true)
    expect(await keysIn(s3)).toEqual(['pending/a', 'pending/parts'])
  })
})

describe('encryption by S3', () => {
  const encryption = { algorithm: 'aws:kms', keyId: 'test-key' } as const

  test('goes for what is posted, put, and put in parts, and links read it', async () => {
    using s3 = await openS3ForTest({ encryption })
    await putObject(s3, 'ready/put', bytes(10), { type: TYPE })
    await expectAllToWork(s3, s3.bucket)
    for (const key of ['ready/put', 'pending/a', 'pending/parts']) {
      const head = await s3.client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key: key }))
      expect(head).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'test-key' })
    }
  })

  test.each<[what: string, changes: Record<string, string>]>([
    ['none', { 'x-amz-server-side-encryption': '' }],
    ['another', { 'x-amz-server-side-encryption': 'AES256' }],
    ['another key', { 'x-amz-server-side-encryption-aws-kms-key-id': 'other-key' }],
  ])('is part of what a form demands: with %s it is refused', async (_, changes) => {
    using s3 = await openS3ForTest({ encryption })
    const form = await signForm(s3, { key: 'pending/a', type: TYPE, maxBytes: 100 }, 60_000)
    expect((await postForm(form, bytes(10), changes)).status).toBe(403)
    expect(await findObject(s3, 'pending/a')).toBeUndefined()
  })

  test('by keys of S3’s own is asked for, too', async () => {
    using s3 = await openS3ForTest({ encryption: { algorithm: 'AES256', keyId: undefined } })
    await expectAllToWork(s3, s3.bucket)
    const { fields } = await signForm(s3, { key: 'pending/a', type: TYPE, maxBytes: 100 }, 60_000)
    expect(fields).toMatchObject({ 'x-amz-server-side-encryption': 'AES256' })
    expect(fields).not.toHaveProperty('x-amz-server-side-encryption-aws-kms-key-id')
  })
})

describe('credentials', () => {
  // None but those of the test are there to be found.
  beforeEach(() => {
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/dev/null')
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  })

  test('come from the environment', async () => {
    const { accessKeyId, secretAccessKey } = await testS3()
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey)
    using s3 = openS3(await withoutCredentials())
    await expectAllToWork(s3, s3.bucket)
  })

  test('come from a shared file, by profile', async () => {
    await using folder = await temporaryFolder()
    const { accessKeyId, secretAccessKey } = await testS3()
    const profile = `[parley]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
    await writeFile(join(folder.path, 'credentials'), profile)
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder.path, 'credentials'))
    vi.stubEnv('AWS_PROFILE', 'parley')
    using s3 = openS3(await withoutCredentials())
    await expectAllToWork(s3, s3.bucket)
  })

  test.each(['container', 'web identity'] as const)(
    'come from the role of a %s, and what is signed ends with them',
    async (kind) => {
      await using folder = await temporaryFolder()
      const expiration = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 10 * 60_000).toISOString()
      await using roles = await openRoles(expiration)
      if (kind === 'container') {
        vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${roles.url}/container`)
      } else {
        await writeFile(join(folder.path, 'token'), 'a token')
        vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(folder.path, 'token'))
        vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/media')
        vi.stubEnv('AWS_ENDPOINT_URL_STS', roles.url)
      }
      using s3 = openS3(await withoutCredentials())
      const form = await signForm(s3, { key: 'pending/a', type: TYPE, maxBytes: 100 }, 3_600_000)
      expect(form.fields).toMatchObject({ 'X-Amz-Security-Token': 'of-a-role' })
      expect(form.fields['X-Amz-Credential']).toMatch(/^ROLE/)
      expect(form.expiresAt).toBe(expiration)
      const link = await signLink(s3, { key: 'ready/a', type: TYPE, disposition: 'inline' }, 60_000)
      expect(new URL(link.url).searchParams.get('X-Amz-Security-Token')).toBe('of-a-role')
      expect(Date.parse(link.expiresAt)).toBeLessThan(Date.parse(expiration))
      expect(roles.asked).toBe(1)
    },
  )
})

/** As clients do: posts, puts parts, and reads, all below this place. */
async function expectAllToWork(s3: S3, place: string): Promise<void> {
  const form = await signForm(s3, { key: 'pending/a', type: TYPE, maxBytes: 100 }, 60_000)
  expect(form.url).toContain(place)
  expect((await postForm(form, bytes(10))).status).toBe(201)

  const multipartId = await beginParts(s3, 'pending/parts', TYPE)
  const { urls } = await signParts(s3, 'pending/parts', multipartId, [20], 60_000)
  expect(urls[0]).toContain(place)
  expect((await fetch(urls[0]!, { method: 'PUT', body: Uint8Array.from(bytes(20)) })).status).toBe(200)
  const parts = await listParts(s3, 'pending/parts', multipartId)
  if (parts === 'gone') throw new Error('gone')
  expect(await joinParts(s3, 'pending/parts', multipartId, parts)).toBe('joined')

  for (const [key, size] of [
    ['pending/a', 10],
    ['pending/parts', 20],
  ] as const) {
    const link = await signLink(s3, { key, type: TYPE, disposition: 'attachment' }, 60_000)
    expect(link.url).toContain(place)
    const read = await fetch(link.url)
    expect([read.status, (await read.bytes()).length]).toEqual([200, size])
    expect((await fetch(link.url, { headers: { range: 'bytes=1-2' } })).status).toBe(206)
  }
}

/** Of a form, a part and a link. */
async function urlsOf(s3: S3, multipartId = 'id'): Promise<string[]> {
  const form = await signForm(s3, { key: 'pending/a', type: TYPE, maxBytes: 100 }, 60_000)
  const { urls } = await signParts(s3, 'pending/a', multipartId, [10], 60_000)
  const link = await signLink(s3, { key: 'pending/a', type: TYPE, disposition: 'attachment' }, 60_000)
  return [form.url, ...urls, link.url]
}

const awsSettings = async (changes: Partial<S3Settings>): Promise<S3Settings> => ({
  ...(await s3Settings()),
  endpoint: undefined,
  forcePathStyle: false,
  ...changes,
})

async function withoutCredentials(): Promise<S3Settings> {
  const { credentials: _, ...settings } = await s3Settings()
  return settings
}

const keysIn = async (s3: S3): Promise<string[]> => (await everything(listObjects(s3))).map(({ key }) => key)

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'parley-s3-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

/** Answers as the agents do that give a container or a service account the credentials of its role. */
async function openRoles(expiration: string): Promise<AsyncDisposable & { url: string; asked: number }> {
  const role = { AccessKeyId: 'ROLE', SecretAccessKey: 'secret', Token: 'of-a-role', Expiration: expiration }
  const answers = { url: '', asked: 0 }
  const server = createServer((asked, answer) => {
    answers.asked += 1
    asked.resume()
    if (asked.url === '/container') return void answer.end(JSON.stringify(role))
    answer.setHeader('content-type', 'text/xml')
    answer.end(
      '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>' +
        `<Credentials><AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>` +
        `<SessionToken>of-a-role</SessionToken><Expiration>${expiration}</Expiration></Credentials>` +
        '</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>',
    )
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  answers.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(answers, {
    [Symbol.asyncDispose]: async () => {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      server.closeAllConnections()
      await closed.promise
    },
  })
}
