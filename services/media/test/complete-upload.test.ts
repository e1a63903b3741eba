import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { media, PayloadOf } from '@parley/contracts'
import { v4 as uuidv4 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { openS3Door } from './s3-door.ts'
import {
  actorOf,
  configForTest,
  memberOf,
  png,
  post,
  reserve,
  startForTest,
  text,
  upload,
  type MediaForTest,
} from './start-for-test.ts'

describe('completing an upload', () => {
  test('makes it ready: the file stands where no client can write, and an event tells', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const content = png(100_000)
    const { upload: reserved, form } = await reserve(service, alice, { name: 'cat.png', type: 'image/png', content })
    expect(reserved).toMatchObject({ state: 'pending', name: 'cat.png', type: 'image/png', size: content.length })
    const month = reserved.createdAt.slice(0, 7)
    expect(form.fields['key']).toBe(`pending/${month}/${reserved.id}`)
    await post(form, content)

    const ready = { ...reserved, state: 'ready' }
    expect(await complete(service, alice, reserved.id)).toEqual({ ok: true, value: ready })
    expect(await complete(service, alice, reserved.id)).toEqual({ ok: true, value: ready })
    expect(await keysOf(service)).toEqual([`ready/${month}/${reserved.id}`])
    await expect
      .poll(() => eventsOf(service), { timeout: 10_000 })
      .toEqual([{ subject: 'media.event.media-ready', payload: { upload: ready, uploadedBy: alice } }])
  })

  test('is refused before the file is posted, and possible afterwards', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const content = png()
    const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content })
    expect(await complete(service, alice, reserved.id)).toMatchObject({ refusal: { code: 'upload_not_received' } })
    await post(form, content)
    expect(await complete(service, alice, reserved.id)).toMatchObject({ ok: true })
  })

  test('is for the uploader alone: for others there is no such upload', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const content = png()
    const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content })
    await post(form, content)
    const notFound = { ok: false, refusal: { code: 'upload_not_found' } }
    expect(await complete(service, memberOf(service), reserved.id)).toMatchObject(notFound)
    expect(await complete(service, alice, uuidv4())).toMatchObject(notFound)
    await complete(service, alice, reserved.id)
    expect(await complete(service, memberOf(service), reserved.id)).toMatchObject(notFound)
  })

  test('gives all who ask at once the same answer, and tells it once', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const content = png(50_000)
    const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content })
    await post(form, content)
    const answers = await Promise.all(Array.from({ length: 10 }, () => complete(service, alice, reserved.id)))
    for (const answer of answers) expect(answer).toEqual({ ok: true, value: { ...reserved, state: 'ready' } })
    await expect.poll(() => eventsOf(service), { timeout: 10_000 }).toHaveLength(1)
    expect(await keysOf(service)).toEqual([`ready/${reserved.createdAt.slice(0, 7)}/${reserved.id}`])
  })
})

describe('a file that is not what was declared', () => {
  const html = '<!doctype html><script>alert(document.domain)</script>'
  const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(500)])
  const cases: [what: string, type: string, content: Uint8Array][] = [
    ['a web page as an image', 'image/png', text(html)],
    [
      'a drawing with a script as an image',
      'image/jpeg',
      text(`<svg xmlns="http://www.w3.org/2000/svg">${html}</svg>`),
    ],
    ['an image of another kind', 'image/jpeg', png()],
    ['a program as text', 'text/plain', program],
    ['a program as a document', 'application/pdf', program],
    ['a web page as a video', 'video/mp4', text(html)],
  ]
  test.each(cases)('is rejected: %s', async (_, type, content) => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const { upload: reserved, form } = await reserve(service, alice, { type, content })
    expect((await post(form, content)).status).toBe(201)

    const rejected = { ok: false, refusal: { code: 'upload_rejected', data: { reason: 'not_the_declared_type' } } }
    expect(await complete(service, alice, reserved.id)).toMatchObject(rejected)
    expect(await keysOf(service)).toEqual([])
    await expect
      .poll(() => eventsOf(service), { timeout: 10_000 })
      .toEqual([
        {
          subject: 'media.event.media-rejected',
          payload: { upload: { ...reserved, state: 'rejected' }, uploadedBy: alice, reason: 'not_the_declared_type' },
        },
      ])
    expect(await complete(service, alice, reserved.id)).toMatchObject(rejected)
  })

  test('is rejected: fewer bytes than declared', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content: png(10) })
    expect((await post(form, png(9))).status).toBe(201)
    expect(await complete(service, alice, reserved.id)).toMatchObject({
      refusal: { code: 'upload_rejected', data: { reason: 'not_the_declared_size' } },
    })
  })
})

describe('a file posted again', () => {
  test('after completion has no effect', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const content = png(100)
    const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content })
    await post(form, content)
    await complete(service, alice, reserved.id)
    await post(form, png(50))
    expect(await complete(service, alice, reserved.id)).toMatchObject({ ok: true })
    expect(await download(service, alice, reserved.id)).toEqual(content)
  })

  test('while it is checked never becomes what was not checked', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const good = png(20_000)
    const evil = text('<script>'.padEnd(good.length))
    for (let round = 0; round < 8; round += 1) {
      const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content: good })
      await post(form, good)
      const [first, second] = await Promise.all([
        complete(service, alice, reserved.id),
        post(form, evil).then(() => complete(service, alice, reserved.id)),
      ])
      expect(first).toEqual(await complete(service, alice, reserved.id))
      expect(second).toEqual(first)
      if (first.ok) expect(await download(service, alice, reserved.id)).toEqual(good)
      else expect(first.refusal.code).toBe('upload_rejected')
    }
  })

  test('between two checks is rejected', async () => {
    await using door = await openS3Door(await s3Endpoint())
    await using service = await startForTest({}, door.endpoint)
    const alice = memberOf(service)
    const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content: png(10) })
    await post(form, png(10))
    door.set((asked) => (asked.headers['x-amz-copy-source'] === undefined ? 'open' : 'closed'))
    await expect(complete(service, alice, reserved.id)).rejects.toMatchObject({ code: 'unavailable' })
    door.set('open')
    await post(form, Buffer.concat([png(9), text('!')]))
    expect(await complete(service, alice, reserved.id)).toMatchObject({
      refusal: { code: 'upload_rejected', data: { reason: 'replaced_while_checked' } },
    })
  })
})

describe('while S3 is away', () => {
  test.each(['closed', 'hanging'] as const)('completing fails, and succeeds when it is back (%s)', async (state) => {
    await using door = await openS3Door(await s3Endpoint())
    await using service = await startForTest({}, door.endpoint)
    const alice = memberOf(service)
    const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content: png() })
    await post(form, png())
    door.set(state)
    await expect(complete(service, alice, reserved.id)).rejects.toMatchObject({ name: 'BusError', code: 'unavailable' })
    door.set('open')
    expect(await complete(service, alice, reserved.id)).toMatchObject({ ok: true, value: { state: 'ready' } })
  })

  test('in the middle of a check, the next one goes on', async () => {
    await using door = await openS3Door(await s3Endpoint())
    await using service = await startForTest({}, door.endpoint)
    const alice = memberOf(service)
    for (const failing of ['GET', 'PUT']) {
      const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content: png() })
      await post(form, png())
      door.set(({ method }) => (method === failing ? 'closed' : 'open'))
      await expect(complete(service, alice, reserved.id)).rejects.toMatchObject({ code: 'unavailable' })
      expect(await service.calls.downloadMedia({ ...actorOf(alice), id: reserved.id })).toMatchObject({
        refusal: { code: 'upload_not_found' },
      })
      door.set('open')
      expect(await complete(service, alice, reserved.id)).toMatchObject({ ok: true, value: { state: 'ready' } })
    }
  })

  test('a file that cannot be tidied up is ready all the same', async () => {
    await using door = await openS3Door(await s3Endpoint())
    await using service = await startForTest({}, door.endpoint)
    door.set(({ method }) => (method === 'DELETE' ? 'closed' : 'open'))
    await expect(upload(service, memberOf(service), { type: 'image/png', content: png() })).resolves.toMatchObject({
      state: 'ready',
    })
  })
})

const s3Endpoint = async () => (await configForTest('', '')).s3.endpoint

const complete = (service: MediaForTest, userId: string, id: string) =>
  service.calls.completeUpload({ ...actorOf(userId), id })

async function download(service: MediaForTest, userId: string, id: string): Promise<Uint8Array> {
  const answer = await service.calls.downloadMedia({ ...actorOf(userId), id })
  if (!answer.ok) throw new Error(answer.refusal.code)
  return Buffer.from(await (await fetch(answer.value.url)).arrayBuffer())
}

async function keysOf({ s3 }: MediaForTest): Promise<(string | undefined)[]> {
  const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket }))
  return Contents.map(({ Key }) => Key)
}

type MediaEvent = PayloadOf<(typeof media.events)[keyof typeof media.events]>

/** What the stream of the service holds. */
async function eventsOf({ bus }: MediaForTest): Promise<{ subject: string; payload: MediaEvent }[]> {
  const { streams } = await bus.nats.jetstreamManager()
  const { state } = await streams.info('MEDIA')
  const stored = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const { subject, data } = await streams.getMessage('MEDIA', { seq })
    stored.push({ subject, payload: JSON.parse(new TextDecoder().decode(data)) as MediaEvent })
  }
  return stored
}
