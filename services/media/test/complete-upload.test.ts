import { listen } from '@parley/bus'
import { media, type PayloadOf, type SettledNotice } from '@parley/contracts'
import { testS3 } from '@parley/testing'
import { v4 as uuidv4 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { openS3Door } from './s3-door.ts'
import {
  actorOf,
  image,
  keysOf,
  memberOf,
  pdf,
  png,
  post,
  reserve,
  startForTest,
  text,
  upload,
  type MediaForTest,
} from './start-for-test.ts'

const NO_LIMITS = { image: 1e9, video: 1e9, audio: 1e9, document: 1e9 }

describe('completing an upload', () => {
  test('makes it ready: the file stands where no client can write, and everybody is told', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const told = await settledNotices(service)
    const content = pdf(100_000)
    const file = { name: 'plan.pdf', type: 'application/pdf', content }
    const { upload: reserved, form } = await reserve(service, alice, file)
    expect(reserved).toMatchObject({
      state: 'pending',
      name: 'plan.pdf',
      type: 'application/pdf',
      size: content.length,
    })
    const month = reserved.createdAt.slice(0, 7)
    expect(form.fields['key']).toBe(`pending/${month}/${reserved.id}`)
    await post(form, content)

    const ready = { ...reserved, state: 'ready', pages: 1 }
    expect(await complete(service, alice, reserved.id)).toEqual({ ok: true, value: ready })
    expect(await complete(service, alice, reserved.id)).toEqual({ ok: true, value: ready })
    await expect.poll(() => keysOf(service)).toEqual([`ready/${month}/${reserved.id}`])
    await expect
      .poll(() => eventsOf(service), { timeout: 10_000 })
      .toEqual([{ subject: 'media.event.media-ready', payload: { upload: ready, uploadedBy: alice } }])
    expect(told).toEqual([{ userId: alice, upload: ready }])
  })

  test('of an image finds what a message says of it, and makes its thumbnails', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const { id, ...uploaded } = await upload(service, alice, { type: 'image/png', content: await image(640, 480) })
    expect(uploaded).toMatchObject({ width: 640, height: 480, durationMs: null, pages: null })
    expect(uploaded.blurhash).toMatch(/^[\w#$%*+,.:;=?@[\]^{|}~-]{6,}$/)
    const month = uploaded.createdAt.slice(0, 7)
    await expect
      .poll(() => keysOf(service))
      .toEqual([`ready/${month}/${id}`, `thumbnails/${month}/${id}/large`, `thumbnails/${month}/${id}/small`])
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
    const askAll = async (userId: string, id: string) => {
      const request = { ...actorOf(userId), id }
      expect(await service.calls.completeUpload(request)).toMatchObject(notFound)
      expect(await service.calls.getUpload(request)).toMatchObject(notFound)
      expect(await service.calls.deleteUpload(request)).toMatchObject(notFound)
    }
    await askAll(memberOf(service), reserved.id)
    await askAll(alice, uuidv4())
    await complete(service, alice, reserved.id)
    await askAll(memberOf(service), reserved.id)
  })

  test('gives all who ask at once, of several instances, the same answer, and tells it once', async () => {
    await using service = await startForTest()
    await using _ = await service.startAnother()
    const alice = memberOf(service)
    const content = pdf(50_000)
    const { upload: reserved, form } = await reserve(service, alice, { type: 'application/pdf', content })
    await post(form, content)
    const answers = await Promise.all(Array.from({ length: 20 }, () => complete(service, alice, reserved.id)))
    for (const answer of answers) expect(answer).toEqual({ ok: true, value: { ...reserved, state: 'ready', pages: 1 } })
    await expect.poll(() => eventsOf(service), { timeout: 10_000 }).toHaveLength(1)
    await expect.poll(() => keysOf(service)).toEqual([`ready/${reserved.createdAt.slice(0, 7)}/${reserved.id}`])
  })

  test('goes on in another instance when the one that checked is gone', async () => {
    await using door = await openS3Door(await s3Endpoint())
    await using service = await startForTest({}, door.endpoint)
    const alice = memberOf(service)
    const content = pdf()
    const { upload: reserved, form } = await reserve(service, alice, { type: 'application/pdf', content })
    await post(form, content)
    // Nothing can be read of it: it stays where it is.
    door.set(({ method }) => (method === 'HEAD' ? 'open' : 'hanging'))
    expect(await complete(service, alice, reserved.id)).toMatchObject({ ok: true, value: { state: 'checking' } })
    await service.stop()
    door.set('open')
    await using _ = await service.startAnother()
    await expect.poll(() => stateOf(service, alice, reserved.id), { timeout: 60_000 }).toBe('ready')
  }, 90_000)
})

describe('a file of which the checking processes die', () => {
  test('is checked again, and rejected after three', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const completeAfterDeaths = async (deaths: number) => {
      const { upload: reserved, form } = await reserve(service, alice, { type: 'application/pdf', content: pdf() })
      await post(form, pdf())
      // What a process that was killed in the middle leaves behind.
      await service.db.updateTable('uploads').set({ checkAttempts: deaths }).where('id', '=', reserved.id).execute()
      return complete(service, alice, reserved.id)
    }
    expect(await completeAfterDeaths(2)).toMatchObject({ ok: true, value: { state: 'ready' } })
    expect(await completeAfterDeaths(3)).toMatchObject({ refusal: { data: { reason: 'too_much_to_check' } } })
  })
})

describe('a file in parts', () => {
  const MEGABYTE = 1024 * 1024
  const inParts = { partsAboveBytes: MEGABYTE, partBytes: 5 * MEGABYTE, maxBytes: { ...NO_LIMITS } }

  test('is as good as one that comes in a piece, once all parts are there', async () => {
    await using service = await startForTest(inParts)
    const alice = memberOf(service)
    const content = text('a line of text\n'.repeat(700_000))
    expect(content.length).toBeGreaterThan(10 * MEGABYTE)
    const { upload: reserved, parts } = await reserveParts(service, alice, content)
    expect(parts.urls).toHaveLength(3)
    const pieces = piecesOf(content, parts.partBytes)
    for (const index of [2, 0]) expect((await put(parts.urls[index]!, pieces[index]!)).status).toBe(200)
    expect(await complete(service, alice, reserved.id)).toMatchObject({ refusal: { code: 'upload_not_received' } })
    expect((await put(parts.urls[1]!, pieces[1]!)).status).toBe(200)
    // Several at once, and again.
    for (const answer of await Promise.all([1, 2, 3].map(() => complete(service, alice, reserved.id)))) {
      expect(answer).toMatchObject({ ok: true, value: { size: content.length } })
    }
    await expect.poll(() => stateOf(service, alice, reserved.id), { timeout: 20_000 }).toBe('ready')
    expect(await download(service, alice, reserved.id)).toEqual(Buffer.from(content))
    expect((await put(parts.urls[0]!, pieces[0]!)).status).toBe(404)
    expect(await download(service, alice, reserved.id)).toEqual(Buffer.from(content))
  }, 60_000)

  test('cannot have larger or smaller parts than declared', async () => {
    await using service = await startForTest(inParts)
    const content = pdf(6 * MEGABYTE)
    const { parts } = await reserveParts(service, memberOf(service), content)
    const [first, last] = piecesOf(content, parts.partBytes)
    expect((await put(parts.urls[0]!, content)).status).toBe(403)
    expect((await put(parts.urls[1]!, first!)).status).toBe(403)
    expect((await put(parts.urls[0]!, last!)).status).toBe(403)
    expect((await put(parts.urls[0]!, first!)).status).toBe(200)
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
    await expect.poll(() => keysOf(service)).toEqual([])
    await expect
      .poll(() => eventsOf(service), { timeout: 10_000 })
      .toEqual([
        {
          subject: 'media.event.media-rejected',
          payload: {
            upload: { ...reserved, state: 'rejected', rejectedReason: 'not_the_declared_type' },
            uploadedBy: alice,
            reason: 'not_the_declared_type',
          },
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
    const content = pdf(100)
    const { upload: reserved, form } = await reserve(service, alice, { type: 'application/pdf', content })
    await post(form, content)
    await complete(service, alice, reserved.id)
    await post(form, pdf(50))
    expect(await complete(service, alice, reserved.id)).toMatchObject({ ok: true })
    expect(await download(service, alice, reserved.id)).toEqual(Buffer.from(content))
  })

  test('while it is checked never becomes what was not checked', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const good = pdf(20_000)
    const evil = text('<script>'.padEnd(good.length))
    for (let round = 0; round < 8; round += 1) {
      const { upload: reserved, form } = await reserve(service, alice, { type: 'application/pdf', content: good })
      await post(form, good)
      const [first, second] = await Promise.all([
        complete(service, alice, reserved.id),
        post(form, evil).then(() => complete(service, alice, reserved.id)),
      ])
      expect(first).toEqual(await complete(service, alice, reserved.id))
      expect(second).toEqual(first)
      if (first.ok) expect(await download(service, alice, reserved.id)).toEqual(Buffer.from(good))
      else expect(first.refusal.code).toBe('upload_rejected')
    }
  })

  test('between two checks is rejected', async () => {
    await using door = await openS3Door(await s3Endpoint())
    await using service = await startForTest({}, door.endpoint)
    const alice = memberOf(service)
    const { upload: reserved, form } = await reserve(service, alice, { type: 'application/pdf', content: pdf(10) })
    await post(form, pdf(10))
    door.set((asked) => (asked.headers['x-amz-copy-source'] === undefined ? 'open' : 'closed'))
    expect(await complete(service, alice, reserved.id)).toMatchObject({ ok: true, value: { state: 'checking' } })
    await post(form, Buffer.concat([pdf(9), text('!')]))
    door.set('open')
    await expect.poll(() => stateOf(service, alice, reserved.id), { timeout: 20_000 }).toBe('rejected')
    expect(await complete(service, alice, reserved.id)).toMatchObject({
      refusal: { code: 'upload_rejected', data: { reason: 'replaced_while_checked' } },
    })
  }, 40_000)
})

describe('while S3 is away', () => {
  test.each(['closed', 'hanging'] as const)(
    'completing fails, and succeeds when it is back (%s)',
    async (state) => {
      await using door = await openS3Door(await s3Endpoint())
      await using service = await startForTest({}, door.endpoint)
      const alice = memberOf(service)
      const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content: png() })
      await post(form, png())
      door.set(state)
      await expect(complete(service, alice, reserved.id)).rejects.toMatchObject({
        name: 'BusError',
        code: 'unavailable',
      })
      door.set('open')
      expect(await complete(service, alice, reserved.id)).toMatchObject({ ok: true, value: { state: 'ready' } })
    },
    30_000,
  )

  test.each(['GET', 'PUT'])(
    'in the middle of a check (%s), the check goes on by itself when it is back',
    async (failing) => {
      await using door = await openS3Door(await s3Endpoint())
      await using service = await startForTest({}, door.endpoint)
      const alice = memberOf(service)
      const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content: png() })
      await post(form, png())
      door.set(({ method }) => (method === failing ? 'closed' : 'open'))
      expect(await complete(service, alice, reserved.id)).toMatchObject({ ok: true, value: { state: 'checking' } })
      expect(await service.calls.downloadMedia({ ...actorOf(alice), id: reserved.id })).toMatchObject({
        refusal: { code: 'upload_not_found' },
      })
      door.set('open')
      await expect.poll(() => stateOf(service, alice, reserved.id), { timeout: 20_000 }).toBe('ready')
    },
    40_000,
  )

  test('a file that cannot be tidied up is ready all the same', async () => {
    await using door = await openS3Door(await s3Endpoint())
    await using service = await startForTest({}, door.endpoint)
    door.set(({ method, url }) => (method === 'DELETE' || url?.includes('?delete') ? 'closed' : 'open'))
    await expect(upload(service, memberOf(service), { type: 'image/png', content: png() })).resolves.toMatchObject({
      state: 'ready',
    })
  })
})

const s3Endpoint = async () => (await testS3()).endpoint!

const complete = (service: MediaForTest, userId: string, id: string) =>
  service.calls.completeUpload({ ...actorOf(userId), id })

async function download(service: MediaForTest, userId: string, id: string): Promise<Uint8Array> {
  const answer = await service.calls.downloadMedia({ ...actorOf(userId), id })
  if (!answer.ok) throw new Error(answer.refusal.code)
  return Buffer.from(await (await fetch(answer.value.url)).arrayBuffer())
}

async function stateOf(service: MediaForTest, userId: string, id: string): Promise<string | undefined> {
  const answer = await service.calls.getUpload({ ...actorOf(userId), id })
  return answer.ok ? answer.value.state : undefined
}

async function reserveParts(service: MediaForTest, userId: string, content: Uint8Array) {
  const answer = await service.calls.reserveUpload({
    ...actorOf(userId),
    conversationId: uuidv4(),
    name: 'a large file',
    type: 'text/plain',
    size: content.length,
  })
  if (!answer.ok || answer.value.parts === null) throw new Error('it does not go in parts')
  expect(answer.value.form).toBeNull()
  return { upload: answer.value.upload, parts: answer.value.parts }
}

const piecesOf = (content: Uint8Array, partBytes: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(content.length / partBytes) }, (_, index) =>
    content.slice(index * partBytes, (index + 1) * partBytes),
  )

const put = (url: string, content: Uint8Array) => fetch(url, { method: 'PUT', body: Uint8Array.from(content) })

/** What gateways hear from now on. */
async function settledNotices({ bus }: MediaForTest): Promise<SettledNotice[]> {
  const heard: SettledNotice[] = []
  await listen(bus, media.notices.settled, {}, (data) =>
    heard.push(JSON.parse(Buffer.from(data).toString()) as SettledNotice),
  )
  return heard
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
