import { v4 as uuidv4 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { takenTypes } from '../src/domain/taken-types.ts'
import { actorOf, memberOf, png, post, reserve, startForTest, text } from './start-for-test.ts'

const image = { conversationId: uuidv4(), name: 'a.png', type: 'image/png', size: 100 }

describe('reserving an upload', () => {
  test('is refused to who is not a member of the conversation', async () => {
    await using service = await startForTest()
    const answer = await service.calls.reserveUpload({ ...actorOf(uuidv4()), ...image })
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'not_a_member' } })
  })

  test('is refused for types that are not accepted and for files above the limit of their kind', async () => {
    await using service = await startForTest()
    const actor = actorOf(memberOf(service))
    const reserveOne = (changes: object) => service.calls.reserveUpload({ ...actor, ...image, ...changes })
    for (const type of [
      'application/x-msdownload',
      'application/octet-stream',
      'text/javascript',
      'constructor/name',
    ]) {
      expect(await reserveOne({ type })).toMatchObject({ ok: false, refusal: { code: 'media_type_not_allowed' } })
    }
    const { maxBytes } = service.config
    for (const [type, limit] of [
      ['image/png', maxBytes.image],
      ['video/mp4', maxBytes.video],
      ['audio/mpeg', maxBytes.audio],
      ['application/pdf', maxBytes.document],
    ] as const) {
      expect(await reserveOne({ type, size: limit + 1 })).toMatchObject({
        ok: false,
        refusal: { code: 'file_too_large', data: { maxBytes: limit } },
      })
      expect(await reserveOne({ type, size: limit })).toMatchObject({ ok: true })
    }
  })

  test('is refused above what a user may reserve within a day, in number and in bytes, also all at once', async () => {
    await using service = await startForTest({ dailyQuota: { uploads: 5, bytes: 100_000 } })
    const reserveAs = (userId: string, size: number) =>
      service.calls.reserveUpload({ ...actorOf(userId), ...image, size })
    const [many, large] = [memberOf(service), memberOf(service)]
    const answers = await Promise.all(Array.from({ length: 12 }, () => reserveAs(many, 10)))
    expect(answers.filter(({ ok }) => ok)).toHaveLength(5)
    const refusals = answers.flatMap((answer) => (answer.ok ? [] : [answer.refusal]))
    for (const { code } of refusals) expect(code).toBe('upload_quota_exceeded')
    const { retryAfterMs } = refusals[0]!.data as { retryAfterMs: number }
    expect(retryAfterMs).toBeGreaterThan(86_000_000)
    expect(retryAfterMs).toBeLessThanOrEqual(86_400_000)

    expect(await reserveAs(large, 60_000)).toMatchObject({ ok: true })
    expect(await reserveAs(large, 40_001)).toMatchObject({ refusal: { code: 'upload_quota_exceeded' } })
    expect(await reserveAs(large, 40_000)).toMatchObject({ ok: true })
    expect(await reserveAs(memberOf(service), 100_001)).toMatchObject({
      refusal: { code: 'file_too_large', data: { maxBytes: 100_000 } },
    })
  })

  test('is answered to all of one user who asks very often at once', async () => {
    await using service = await startForTest()
    const actor = actorOf(memberOf(service))
    const asked = Array.from({ length: 300 }, () => service.calls.reserveUpload({ ...actor, ...image, size: 10 }))
    for (const answer of await Promise.all(asked)) expect(answer).toMatchObject({ ok: true })
  })

  test('is refused for types that this installation does not take', async () => {
    await using service = await startForTest({ takes: takenTypes('image/*, application/pdf') })
    const actor = actorOf(memberOf(service))
    const reserveOne = (type: string) => service.calls.reserveUpload({ ...actor, ...image, type })
    for (const type of ['image/png', 'image/webp', 'application/pdf']) {
      expect(await reserveOne(type)).toMatchObject({ ok: true })
    }
    for (const type of ['video/mp4', 'application/zip', 'text/plain']) {
      expect(await reserveOne(type)).toMatchObject({ refusal: { code: 'media_type_not_allowed' } })
    }
  })

  test('fails as unavailable while nobody says who is a member', async () => {
    await using service = await startForTest()
    await service.stopMessaging()
    const asked = service.calls.reserveUpload({ ...actorOf(memberOf(service)), ...image })
    await expect(asked).rejects.toMatchObject({ name: 'BusError', code: 'unavailable' })
  })
})

describe('the form of a reserved upload', () => {
  test('lets S3 refuse whatever differs from what was declared', async () => {
    await using service = await startForTest()
    const content = png(1_000)
    const { form } = await reserve(service, memberOf(service), { type: 'image/png', content })
    const refused = async (changed: Record<string, string>, posted = content) => {
      const answer = await post(form, posted, changed)
      expect(answer.status, await answer.text()).toBeGreaterThanOrEqual(400)
    }
    await refused({}, png(1_001))
    await refused({}, new Uint8Array())
    await refused({ 'Content-Type': 'text/html' })
    await refused({ key: form.fields['key']!.replace('pending/', 'ready/') })
    await refused({ key: `${form.fields['key']}x` })
    await refused({ acl: 'public-read' })
    await refused({
      'X-Amz-Signature': form.fields['X-Amz-Signature']!.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    })
    await refused({ Policy: form.fields['Policy']!.replace(/^./, 'f') })
    expect((await post(form, content)).status).toBe(201)
  })

  test('expires', async () => {
    await using service = await startForTest({ formLifetimeMs: 1_000 })
    const content = png()
    const { form } = await reserve(service, memberOf(service), { type: 'image/png', content })
    expect(Date.parse(form.expiresAt) - Date.now()).toBeLessThanOrEqual(1_000)
    await expect.poll(async () => (await post(form, content)).status, { timeout: 10_000 }).toBe(403)
  })

  test('goes to where clients reach S3', async () => {
    await using service = await startForTest()
    const { s3 } = service.config
    await using elsewhere = await startForTest({ s3: { ...s3, publicEndpoint: 'https://files.example.org' } })
    const { form } = await reserve(elsewhere, memberOf(elsewhere), { type: 'image/png', content: png() })
    expect(form.url).toBe(`https://files.example.org/${s3.bucket}`)
  })

  test('allows pages of another origin to post in development', async () => {
    await using service = await startForTest()
    const { form } = await reserve(service, memberOf(service), { type: 'text/plain', content: text('hello') })
    const origin = 'http://localhost:3000'
    const preflight = await fetch(form.url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
    expect(['*', origin]).toContain(preflight.headers.get('access-control-allow-origin'))
  })
})
