import { must } from '@parley/bus'
import type { Counts } from '@parley/contracts'
import { testS3 } from '@parley/testing'
import { v4 as uuidv4 } from 'uuid'
import { beforeAll, describe, expect, test } from 'vitest'
import { readyKey } from '../src/domain/object-keys.ts'
import { openS3Door } from './s3-door.ts'
import { insertSent } from './sent-files.ts'
import {
  actorOf,
  image,
  keysOf,
  memberOf,
  pdf,
  png,
  post,
  reserve,
  send,
  startForTest,
  upload,
  uploadAvatar,
  type MediaForTest,
} from './start-for-test.ts'

let endpoint: string
beforeAll(async () => void ({ endpoint } = await testS3()))

const file = { type: 'application/pdf', content: pdf() }
/** So that a form does not keep an erasure waiting for long. */
const short = { formLifetimeMs: 5_000, partsLifetimeMs: 1_000, settlingMs: 1_000 }
const PATIENCE = { timeout: 60_000, interval: 200 }

describe('erasing a user', () => {
  test('takes all that is theirs but what is held, and leaves a conversation its avatar without their trace', async () => {
    await using service = await startForTest(short)
    const [alice, bob, group] = [memberOf(service), memberOf(service), uuidv4()]
    const unused = await upload(service, alice, { type: 'image/png', content: await image(40, 40), name: 'me ill.png' })
    const pending = (await reserve(service, alice, file)).upload
    const lost = await send(service, alice, file)
    const held = await send(service, alice, { ...file, name: 'evidence.pdf' })
    // As if its event was lost.
    for (const [messageId, ids] of service.messages) if (ids.includes(lost.id)) service.messages.delete(messageId)
    const [face, sign] = [await uploadAvatar(service, alice, png()), await uploadAvatar(service, alice, png())]
    await service.calls.useAvatar({ userId: alice, uploadId: face.id, owner: { userId: alice } })
    await service.calls.useAvatar({ userId: alice, uploadId: sign.id, owner: { conversationId: group } })
    const ofBob = await upload(service, bob, file)
    const eventsOf = (userId: string) => events(service).then((all) => all.filter((by) => by === userId).length)
    await expect.poll(() => eventsOf(alice), PATIENCE).toBe(5)

    const counts = await erase(service, alice)
    expect(counts).toEqual({ 'postgres.uploads': 5, 's3.files': 3, 'jetstream.events': 5, 'held.files': 1 })
    const rows = await service.db.selectFrom('uploads').select(['id', 'uploadedBy', 'state']).orderBy('id').execute()
    expect(rows).toEqual(
      [
        { id: held.id, uploadedBy: alice, state: 'ready' },
        { id: sign.id, uploadedBy: null, state: 'ready' },
        { id: ofBob.id, uploadedBy: bob, state: 'ready' },
      ].toSorted((one, other) => (one.id < other.id ? -1 : 1)),
    )
    const left = await keysOf(service)
    expect(left.filter((key) => [held.id, sign.id, ofBob.id].some((id) => key.includes(id)))).toEqual(left)
    expect(left).toContain(readyKey(held))
    expect(await events(service)).toEqual([bob])
    for (const { id } of [unused, pending, lost, face]) {
      expect(await service.calls.getUpload({ ...actorOf(alice), id })).toMatchObject({ ok: false })
    }
    expect(await service.calls.downloadAvatar({ id: sign.id })).toMatchObject({ ok: true })
    expect(await service.calls.downloadAvatar({ id: face.id })).toMatchObject({ ok: false })

    // Once more finds nothing but what is held.
    expect(await erase(service, alice)).toEqual({ 'held.files': 1 })
  }, 120_000)

  test('waits until S3 has removed the last object', async () => {
    await using door = await openS3Door(endpoint)
    await using service = await startForTest(short, door.endpoint)
    const alice = memberOf(service)
    const { id } = await upload(service, alice, file)
    door.set('closed')
    const begun = must(await service.calls.eraseUser({ userId: alice, cursor: null }))
    expect(begun).toMatchObject({ outcome: 'more', counts: { 'postgres.uploads': 1, 's3.files': 1 } })
    const waiting = must(await service.calls.eraseUser({ userId: alice, cursor: begun.cursor }))
    expect(waiting.outcome).toBe('waiting')
    // It says nothing any more but that something is to be removed.
    expect(await service.db.selectFrom('uploads').select(['id', 'name']).execute()).toEqual([{ id, name: '' }])
    door.set('open')
    await erase(service, alice, waiting.cursor)
    expect(await keysOf(service)).toEqual([])
    expect(await service.db.selectFrom('uploads').select('id').execute()).toEqual([])
  }, 120_000)

  test('deletes nothing while messaging cannot say what is held', async () => {
    await using service = await startForTest(short)
    const alice = memberOf(service)
    const { id } = await send(service, alice, file)
    await service.stopMessaging()
    await expect(service.calls.eraseUser({ userId: alice, cursor: null })).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(await service.calls.getUpload({ ...actorOf(alice), id })).toMatchObject({ value: { state: 'ready' } })
  }, 60_000)

  test('goes through hundreds of uploads in pages', async () => {
    await using service = await startForTest()
    const alice = uuidv4()
    const files = await insertSent(service, 250, alice)
    const heldOnes = files.filter((_, index) => index % 50 === 0)
    for (const { messageId, id } of heldOnes) service.messages.set(messageId, [id])
    const pages: number[] = []
    const counts = await erase(service, alice, null, (page) => void pages.push(page['postgres.uploads'] ?? 0))
    expect(counts).toMatchObject({ 'postgres.uploads': 245, 'held.files': 5 })
    expect(Math.max(...pages)).toBeLessThanOrEqual(100)
    const left = await service.db.selectFrom('uploads').select('id').orderBy('id').execute()
    expect(left).toEqual(heldOnes.map(({ id }) => ({ id })))
  }, 60_000)

  test('leaves no upload that was reserved in the same moment, and takes none after it', async () => {
    await using service = await startForTest(short)
    for (let round = 0; round < 5; round += 1) {
      const alice = memberOf(service)
      const reserving = Array.from({ length: 20 }, () =>
        service.calls
          .reserveUpload({ ...actorOf(alice), conversationId: uuidv4(), name: 'x', type: file.type, size: 1 })
          .catch((error: unknown) => expect(error).toMatchObject({ code: 'unavailable' })),
      )
      must(await service.calls.eraseUser({ userId: alice, cursor: null }))
      await Promise.all(reserving)
      const live = await service.db
        .selectFrom('uploads')
        .select('id')
        .where('uploadedBy', '=', alice)
        .where('state', '<>', 'deleted')
        .execute()
      expect(live).toEqual([])
      await expect(
        service.calls.reserveAvatar({ ...actorOf(alice), type: 'image/png', size: 10 }),
      ).rejects.toMatchObject({ code: 'unavailable' })
    }
  }, 60_000)

  test('outlasts a form: what is posted during it neither becomes ready nor stays', async () => {
    await using service = await startForTest({ ...short, formLifetimeMs: 8_000 })
    const alice = memberOf(service)
    const { upload: reserved, form } = await reserve(service, alice, file)
    const begun = must(await service.calls.eraseUser({ userId: alice, cursor: null }))
    expect((await post(form, file.content)).status).toBe(201)
    expect(await service.calls.completeUpload({ ...actorOf(alice), id: reserved.id })).toMatchObject({
      refusal: { code: 'upload_not_found' },
    })
    await erase(service, alice, begun.cursor)
    expect((await post(form, file.content)).status).toBe(403)
    expect(await keysOf(service)).toEqual([])
  }, 120_000)

  test('leaves nothing of uploads that are being completed meanwhile', async () => {
    await using service = await startForTest({ ...short, settlingMs: 5_000 })
    const alice = memberOf(service)
    const content = await image(400, 400)
    const reserved = await Promise.all(
      Array.from({ length: 8 }, () => reserve(service, alice, { type: 'image/png', content })),
    )
    await Promise.all(reserved.map(({ form }) => post(form, content)))
    const completing = reserved.map(({ upload: { id } }) => service.calls.completeUpload({ ...actorOf(alice), id }))
    await erase(service, alice)
    await Promise.all(completing)
    expect(await keysOf(service)).toEqual([])
    expect(await events(service)).toEqual([])
    expect(await service.db.selectFrom('uploads').select('id').execute()).toEqual([])
  }, 120_000)

  test('begins anew when an upload was given back by an attempt to send it while it was passed over', async () => {
    await using service = await startForTest(short)
    const alice = memberOf(service)
    await upload(service, alice, file)
    const last = must(await service.calls.eraseUser({ userId: alice, cursor: 'events:0' }))
    expect(last).toMatchObject({ outcome: 'more', cursor: null })
  }, 60_000)

  test('waits for events about them that are still to be told', async () => {
    await using service = await startForTest(short)
    const [alice, bob] = [uuidv4(), uuidv4()]
    await service.stop()
    const told = (uploadedBy: string) =>
      JSON.stringify([{ subject: 'media.event.media-ready', payload: { uploadedBy } }])
    for (const userId of [alice, bob]) {
      await service.db
        .insertInto('outbox')
        .values({ events: told(userId), claimedUntil: new Date(Date.now() + 3_600_000) })
        .execute()
    }
    await using another = await service.startAnother()
    expect(another).toBeDefined()
    const waiting = must(await service.calls.eraseUser({ userId: alice, cursor: 'removal' }))
    expect(waiting).toMatchObject({ outcome: 'waiting', cursor: 'removal' })
    expect(await service.calls.eraseUser({ userId: uuidv4(), cursor: 'removal' })).toMatchObject({
      value: { outcome: 'more' },
    })
  }, 60_000)
})

/** Asks until it is done. Answers what was counted in all. */
async function erase(
  service: MediaForTest,
  userId: string,
  cursor: string | null = null,
  page: (counts: Counts) => void = () => undefined,
): Promise<Counts> {
  const counts: Record<string, number> = {}
  let asked = cursor
  const isDone = async () => {
    const answer = must(await service.calls.eraseUser({ userId, cursor: asked }))
    page(answer.counts)
    for (const [thing, count] of Object.entries(answer.counts)) counts[thing] = (counts[thing] ?? 0) + count
    asked = answer.cursor
    return answer.outcome
  }
  await expect.poll(isDone, PATIENCE).toBe('done')
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

/** Whose uploads the events in the stream are about. */
async function events({ bus }: MediaForTest): Promise<string[]> {
  const { streams } = await bus.nats.jetstreamManager()
  const { state } = await streams.info('MEDIA')
  const about: string[] = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await streams.getMessage('MEDIA', { seq }).catch(() => undefined)
    if (message !== undefined) about.push(message.json<{ uploadedBy: string }>().uploadedBy)
  }
  return about
}
