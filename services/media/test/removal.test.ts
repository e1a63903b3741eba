import { sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { beforeAll, expect, test } from 'vitest'
import { testS3 } from '@parley/testing'
import { pendingKey, readyKey } from '../src/domain/object-keys.ts'
import { putObject } from '../src/store/objects.ts'
import { claimRemovals, forgetRemoved } from '../src/store/removals.ts'
import { openS3Door } from './s3-door.ts'
import {
  actorOf,
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

test('the row of a deleted upload is kept for a while, and goes only when its objects are gone', async () => {
  await using service = await startForTest({ formLifetimeMs: 1_000, partsLifetimeMs: 1_000 })
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

async function removedAt({ db }: MediaForTest, id: string): Promise<Date | null> {
  const row = await db.selectFrom('uploads').select('removedAt').where('id', '=', id).executeTakeFirstOrThrow()
  return row.removedAt
}
