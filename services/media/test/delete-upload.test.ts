import { publishEvents, recordOf } from '@parley/bus'
import { messaging } from '@parley/contracts'
import { v4 as uuidv4 } from 'uuid'
import { expect, test } from 'vitest'
import { actorOf, keysOf, memberOf, pdf, post, reserve, send, startForTest, upload } from './start-for-test.ts'

const notFound = { ok: false, refusal: { code: 'upload_not_found' } }

test('an upload that is not used can be deleted by its uploader, and is gone from S3 soon', async () => {
  await using service = await startForTest()
  const alice = memberOf(service)
  const { id } = await upload(service, alice, { type: 'application/pdf', content: pdf() })
  expect(await service.calls.deleteUpload({ ...actorOf(alice), id })).toMatchObject({
    ok: true,
    value: { state: 'deleted' },
  })
  expect(await service.calls.deleteUpload({ ...actorOf(alice), id })).toMatchObject({
    ok: true,
    value: { state: 'deleted' },
  })
  expect(await service.calls.getUpload({ ...actorOf(alice), id })).toMatchObject({ value: { state: 'deleted' } })
  expect(await service.calls.completeUpload({ ...actorOf(alice), id })).toMatchObject(notFound)
  expect(await service.calls.downloadMedia({ ...actorOf(alice), id })).toMatchObject(notFound)
  await expect.poll(() => keysOf(service), { timeout: 20_000 }).toEqual([])
}, 30_000)

test('an upload that is deleted before or while it is checked never becomes ready', async () => {
  await using service = await startForTest()
  const alice = memberOf(service)
  const file = { type: 'application/pdf', content: pdf(200_000) }
  const { upload: early, form } = await reserve(service, alice, file)
  await post(form, file.content)
  await service.calls.deleteUpload({ ...actorOf(alice), id: early.id })
  expect(await service.calls.completeUpload({ ...actorOf(alice), id: early.id })).toMatchObject(notFound)

  const { upload: meanwhile, form: another } = await reserve(service, alice, file)
  await post(another, file.content)
  const completing = service.calls.completeUpload({ ...actorOf(alice), id: meanwhile.id })
  await service.calls.deleteUpload({ ...actorOf(alice), id: meanwhile.id })
  await completing
  expect(await service.calls.getUpload({ ...actorOf(alice), id: meanwhile.id })).toMatchObject({
    value: { state: 'deleted' },
  })
  await expect.poll(() => keysOf(service), { timeout: 20_000 }).toEqual([])
}, 40_000)

test('the files of a message that is gone are gone at once for everybody, and soon from S3; those of others stay', async () => {
  await using service = await startForTest()
  const alice = memberOf(service)
  const file = { type: 'application/pdf', content: pdf() }
  const [gone, other] = [await send(service, alice, file), await send(service, alice, file)]
  const [messageId] = [...service.messages].find(([, ids]) => ids.includes(gone.id))!
  const conversationId = gone.conversationId!
  const event = recordOf(
    messaging.events.attachmentsRemoved,
    { conversationId },
    {
      conversationId,
      messageId,
      // Whoever says so: what is part of another message stays.
      uploadIds: [gone.id, other.id, uuidv4()],
    },
  )
  for (const id of ['first', 'again']) await publishEvents(service.bus, [event], { idOf: () => id })
  await expect
    .poll(() => service.calls.getUpload({ ...actorOf(alice), id: gone.id }), { timeout: 20_000 })
    .toMatchObject({ value: { state: 'deleted' } })
  expect(await service.calls.downloadMedia({ ...actorOf(alice), id: gone.id })).toMatchObject(notFound)
  expect(await service.calls.downloadMedia({ ...actorOf(alice), id: other.id })).toMatchObject({ ok: true })
  await expect
    .poll(() => keysOf(service), { timeout: 20_000 })
    .toEqual([`ready/${other.createdAt.slice(0, 7)}/${other.id}`])
}, 60_000)
