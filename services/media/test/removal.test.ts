import { sql, type UpdateObject } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { beforeAll, expect, test } from 'vitest'
import { silentLog, testS3 } from '@parley/testing'
import { openS3, type S3 } from '@parley/s3'
import { pendingKey, readyKey } from '../src/domain/object-keys.ts'
import { removeDeleted } from '../src/housekeeping/remove-objects.ts'
import { putObject, removeObjects } from '../src/store/objects.ts'
import { beginParts, listParts } from '../src/store/parts.ts'
import { claimRemovals, forgetRemoved, measureRemovals } from '../src/store/removals.ts'
import type { Tables } from '../src/store/tables.ts'
import { openS3Door } from './s3-door.ts'
import {
  actorOf,
  image,
  keysOf,
  memberOf,
  pdf,
  post,
  reserve,
  startForTest,
  upload,
  type MediaForTest,
} from './start-for-test.ts'

let endpoint: string
beforeAll(async () => void ({ endpoint } = await testS3()))

const file = { type: 'application/pdf', content: pdf() }
const PATIENCE = { timeout: 40_000, interval: 100 }

test('what S3 does not remove now is removed when it can again', async () => {
  await using door = await openS3Door(endpoint)
  await using service = await startForTest({}, door.endpoint)
  const alice = memberOf(service)
  const { id } = await upload(service, alice, file)
  door.set('closed')
  await service.calls.deleteUpload({ ...actorOf(alice), id })
  expect(await service.calls.downloadMedia({ ...actorOf(alice), id })).toMatchObject({ ok: false })
  expect(await keysOf(service)).not.toEqual([])
  door.set('open')
  await expect.poll(() => keysOf(service), PATIENCE).toEqual([])
}, 60_000)

test('what is posted with a form that was still good is removed too, once no form is good any more', async () => {
  await using service = await startForTest({ formLifetimeMs: 4_000, partsLifetimeMs: 1_000 })
  const alice = memberOf(service)
  const { upload: reserved, form } = await reserve(service, alice, file)
  await post(form, file.content)
  await service.calls.deleteUpload({ ...actorOf(alice), id: reserved.id })
  await expect.poll(() => keysOf(service), PATIENCE).toEqual([])
  // Posted again as long as that works, so that the last one comes after the first removal.
  expect((await post(form, file.content)).status).toBe(201)
  await expect.poll(() => removedAt(service, reserved.id), PATIENCE).not.toBeNull()
  expect(await keysOf(service)).toEqual([])
}, 60_000)

test('of a file in parts those that came are removed, and no more can come', async () => {
  await using service = await startForTest({
    partsAboveBytes: 1,
    maxBytes: { image: 1, video: 1, audio: 1, document: 1e8 },
  })
  const alice = memberOf(service)
  const size = 6 * 1024 * 1024
  const answer = await service.calls.reserveUpload({
    ...actorOf(alice),
    conversationId: uuidv7(),
    name: 'plan.pdf',
    type: file.type,
    size,
  })
  const { upload: reserved, parts } = answer.ok ? answer.value : { upload: null, parts: null }
  const put = () => fetch(parts!.urls[0]!, { method: 'PUT', body: new Uint8Array(parts!.partBytes) })
  expect((await put()).status).toBe(200)
  await service.calls.deleteUpload({ ...actorOf(alice), id: reserved!.id })
  await expect.poll(async () => (await put()).status, PATIENCE).toBe(404)
}, 60_000)

test('of many to be removed no two instances take the same', async () => {
  await using service = await startForTest()
  await service.stop()
  const ids = Array.from({ length: 60 }, () => uuidv7())
  await service.db
    .insertInto('uploads')
    .values(
      ids.map((id) => ({ id, conversationId: uuidv7(), uploadedBy: uuidv7(), name: 'x', type: file.type, size: 1 })),
    )
    .execute()
  await service.db
    .updateTable('uploads')
    .set({ state: 'deleted', deletedAt: sql<Date>`now()`, removeAt: sql<Date>`now() + interval '1 hour'` })
    .execute()
  expect(await claimRemovals(service.db, 100, 1_000)).toEqual([])
  await service.db.updateTable('uploads').set({ removeAt: null }).execute()
  const claims = await Promise.all(Array.from({ length: 6 }, () => claimRemovals(service.db, 15, 60_000)))
  const claimed = claims.flat().map(({ id }) => id)
  expect(new Set(claimed).size).toBe(claimed.length)
  expect(claimed).toHaveLength(60)
})

test('an upload that S3 does not remove keeps no other there, and goes when S3 does', async () => {
  await using door = await openS3Door(endpoint)
  await using service = await startForTest()
  await service.stop()
  using s3 = openS3({ ...service.config.s3, endpoint: door.endpoint })
  const uploads = await insertDeleted(service, 5)
  const stuck = uploads[2]!
  const multipartId = await beginParts(service.s3, pendingKey(stuck), file.type)
  await service.db.updateTable('uploads').set({ multipartId, partBytes: 1 }).where('id', '=', stuck.id).execute()
  for (const one of uploads) await putObject(service.s3, readyKey(one), pdf(), { type: file.type })
  door.set(({ url }) => (url?.includes('uploadId=') ? 'forbidden' : 'open'))
  await remove(service, s3)
  expect(await keysOf(service)).toEqual([readyKey(stuck)])
  // It has failed just now: it is not tried again at once.
  door.set('open')
  await remove(service, s3)
  expect(await keysOf(service)).toEqual([readyKey(stuck)])
  await letGo(service)
  await remove(service, s3)
  expect(await keysOf(service)).toEqual([])
  expect(await listParts(service.s3, pendingKey(stuck), multipartId)).toBe('gone')
})

test('while S3 is away it is told how much waits, and for how long', async () => {
  await using door = await openS3Door(endpoint)
  await using service = await startForTest()
  await service.stop()
  using s3 = openS3({ ...service.config.s3, endpoint: door.endpoint })
  await insertDeleted(service, 5)
  door.set('closed')
  await expect(remove(service, s3)).rejects.toMatchObject({ code: 'unavailable' })
  const { uploads, oldestSeconds } = await measureRemovals(service.db)
  expect(uploads).toBe(5)
  expect(oldestSeconds).toBeGreaterThan(3_600)
})

test('what a process has removed and died before it could say so, another removes and says', async () => {
  await using service = await startForTest()
  await service.stop()
  const [one] = await insertDeleted(service, 1)
  await putObject(service.s3, readyKey(one!), pdf(), { type: file.type })
  expect(await claimRemovals(service.db, 1, 3_600_000)).toHaveLength(1)
  await removeObjects(service.s3, [readyKey(one!)])
  await remove(service, service.s3)
  expect(await removedAt(service, one!.id)).toBeNull()
  await letGo(service)
  await remove(service, service.s3)
  expect(await removedAt(service, one!.id)).not.toBeNull()
})

test('objects of an upload that was rejected, and could not be removed then, are removed later', async () => {
  await using service = await startForTest()
  const alice = memberOf(service)
  const { upload: reserved, form } = await reserve(service, alice, { type: 'image/png', content: pdf() })
  await post(form, pdf())
  expect(await service.calls.completeUpload({ ...actorOf(alice), id: reserved.id })).toMatchObject({
    refusal: { code: 'upload_rejected' },
  })
  await putObject(service.s3, readyKey(reserved), pdf(), { type: 'image/png' })
  await putObject(service.s3, pendingKey(reserved), pdf(), { type: 'image/png' })
  await expect.poll(() => keysOf(service), PATIENCE).toEqual([])
}, 60_000)

test('what a check that was under way brings back is removed once no check can be under way any more', async () => {
  await using service = await startForTest()
  await service.stop()
  const [one] = await insertDeleted(service, 1)
  await service.db
    .updateTable('uploads')
    .set({ deletedAt: sql<Date>`clock_timestamp()` })
    .execute()
  await remove(service, service.s3, 3_000)
  await putObject(service.s3, readyKey(one!), pdf(), { type: file.type })
  await remove(service, service.s3, 3_000)
  expect(await removedAt(service, one!.id)).toBeNull()
  expect(await keysOf(service)).toEqual([readyKey(one!)])
  await expect
    .poll(() => remove(service, service.s3, 3_000).then(() => removedAt(service, one!.id)), PATIENCE)
    .not.toBeNull()
  expect(await keysOf(service)).toEqual([])
})

test('of what was part of something nothing is kept once it is gone; but what is reserved in a day is counted', async () => {
  await using service = await startForTest()
  await service.stop()
  const [used, unused, young] = await insertDeleted(service, 3)
  const yesterday = sql<Date>`clock_timestamp() - interval '25 hours'`
  const change = (changes: UpdateObject<Tables, 'uploads'>, ids: string[]) =>
    service.db.updateTable('uploads').set(changes).where('id', 'in', ids).execute()
  await change({ messageId: uuidv7() }, [used!.id, young!.id])
  await change({ createdAt: yesterday }, [used!.id, unused!.id])
  await remove(service, service.s3)
  const left = await service.db.selectFrom('uploads').select('id').execute()
  expect(new Set(left.map(({ id }) => id))).toEqual(new Set([unused!.id, young!.id]))
  await change({ createdAt: yesterday }, [young!.id])
  await remove(service, service.s3)
  expect(await service.db.selectFrom('uploads').select('id').execute()).toEqual([{ id: unused!.id }])
})

test('of a deleted upload its uploader learns that it was deleted, and nothing of what it was', async () => {
  await using service = await startForTest()
  const alice = memberOf(service)
  const content = await image(40, 30)
  const { id, createdAt } = await upload(service, alice, { type: 'image/png', content, name: 'my passport.png' })
  const deleted = await service.calls.deleteUpload({ ...actorOf(alice), id })
  expect(deleted).toMatchObject({
    value: { id, createdAt, state: 'deleted', name: '', type: 'image/png', width: null, blurhash: null },
  })
  expect(await service.calls.getUpload({ ...actorOf(alice), id })).toEqual(deleted)
  const rows = await service.db.selectFrom('uploads').select(['checkedEtag', 'height']).execute()
  expect(rows).toEqual([{ checkedEtag: null, height: null }])
})

test('the row of a deleted upload is kept for a while, and goes only when its objects are gone', async () => {
  await using service = await startForTest({ formLifetimeMs: 5_000, partsLifetimeMs: 1_000 })
  const alice = memberOf(service)
  const { id } = await upload(service, alice, file)
  await service.calls.deleteUpload({ ...actorOf(alice), id })
  await expect.poll(() => removedAt(service, id), PATIENCE).not.toBeNull()
  expect(await forgetRemoved(service.db, 60_000, 10)).toBe(0)
  expect(await service.calls.getUpload({ ...actorOf(alice), id })).toMatchObject({ value: { state: 'deleted' } })
  expect(await forgetRemoved(service.db, 0, 10)).toBe(1)
  expect(await service.calls.getUpload({ ...actorOf(alice), id })).toMatchObject({
    refusal: { code: 'upload_not_found' },
  })
}, 60_000)

/** Deleted, and reserved, two hours ago. */
async function insertDeleted({ db }: MediaForTest, uploads: number): Promise<{ id: string; createdAt: string }[]> {
  const values = Array.from({ length: uploads }, () => ({
    id: uuidv7(),
    conversationId: uuidv7(),
    uploadedBy: uuidv7(),
    name: 'x',
    type: file.type,
    size: 1,
  }))
  await db.insertInto('uploads').values(values).execute()
  const then = sql<Date>`clock_timestamp() - interval '2 hours'`
  const rows = await db
    .updateTable('uploads')
    .set({ state: 'deleted', createdAt: then, deletedAt: then })
    .returning(['id', 'createdAt'])
    .execute()
  return rows.map(({ id, createdAt }) => ({ id, createdAt: createdAt.toISOString() }))
}

function remove({ db }: MediaForTest, s3: S3, settlingMs = 1_000): Promise<void> {
  return removeDeleted({ db, s3, writableMs: 1_000, settlingMs, log: silentLog }, new AbortController().signal)
}

/** As if the time was over for which it is held. */
async function letGo({ db }: MediaForTest): Promise<void> {
  await db
    .updateTable('uploads')
    .set({ removalHeldUntil: sql<Date>`clock_timestamp()` })
    .execute()
}

async function removedAt({ db }: MediaForTest, id: string): Promise<Date | null> {
  const row = await db.selectFrom('uploads').select('removedAt').where('id', '=', id).executeTakeFirstOrThrow()
  return row.removedAt
}
