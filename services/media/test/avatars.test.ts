import sharp from 'sharp'
import { v4 as uuidv4 } from 'uuid'
import { expect, test } from 'vitest'
import { actorOf, image, memberOf, pdf, png, post, startForTest, text, upload, uploadAvatar } from './start-for-test.ts'

const notFound = { ok: false, refusal: { code: 'upload_not_found' } }

test('an avatar is a square image that everybody sees who knows its id, from when it is used', async () => {
  await using service = await startForTest()
  const alice = uuidv4()
  const { id, ...uploaded } = await uploadAvatar(service, alice, await image(900, 300))
  expect(uploaded).toMatchObject({ state: 'ready', conversationId: null, type: 'image/webp' })
  expect(await service.calls.downloadAvatar({ id, size: 'small' })).toMatchObject(notFound)
  const owner = { userId: alice }
  const used = { ok: true, value: { avatarUrl: `/api/v1/media/avatars/${id}` } }
  expect(await service.calls.useAvatar({ userId: alice, uploadId: id, owner })).toEqual(used)
  expect(await service.calls.useAvatar({ userId: alice, uploadId: id, owner })).toEqual(used)
  for (const [size, side] of [
    ['small', 128],
    ['large', 300],
  ] as const) {
    const link = await service.calls.downloadAvatar({ id, size })
    const answer = await fetch(link.ok ? link.value.url : '')
    expect(answer.headers.get('content-type')).toBe('image/webp')
    expect(answer.headers.get('cache-control')).toBe('public, max-age=86400, immutable')
    expect(await sharp(await answer.arrayBuffer()).metadata()).toMatchObject({
      format: 'webp',
      width: side,
      height: side,
    })
  }
})

test('only an own image that is ready and used nowhere else becomes an avatar', async () => {
  await using service = await startForTest()
  const alice = memberOf(service)
  const bob = uuidv4()
  const use = (userId: string, uploadId: string, owner: { userId: string } | { conversationId: string }) =>
    service.calls.useAvatar({ userId, uploadId, owner })
  const { id } = await uploadAvatar(service, alice, png())
  expect(await use(bob, id, { userId: bob })).toMatchObject(notFound)
  expect(await use(alice, uuidv4(), { userId: alice })).toMatchObject(notFound)
  const attachable = await upload(service, alice, { type: 'image/png', content: png() })
  expect(await use(alice, attachable.id, { userId: alice })).toMatchObject(notFound)
  expect(await use(alice, id, { conversationId: uuidv4() })).toMatchObject({ ok: true })
  expect(await use(alice, id, { userId: alice })).toMatchObject(notFound)
  expect(await service.calls.deleteUpload({ ...actorOf(alice), id })).toMatchObject({
    refusal: { code: 'upload_in_use' },
  })

  const reserved = await service.calls.reserveAvatar({ ...actorOf(alice), type: 'image/png', size: 20 })
  const pending = reserved.ok ? reserved.value.upload.id : ''
  expect(await use(alice, pending, { userId: alice })).toMatchObject({ refusal: { code: 'upload_not_received' } })
  await post(reserved.ok ? reserved.value.form! : { url: '', fields: {}, expiresAt: '' }, text('<script></script>   '))
  await service.calls.completeUpload({ ...actorOf(alice), id: pending })
  expect(await use(alice, pending, { userId: alice })).toMatchObject({ refusal: { code: 'upload_rejected' } })
})

test('an avatar cannot be sent, and only images can be avatars', async () => {
  await using service = await startForTest()
  const alice = memberOf(service)
  const { id } = await uploadAvatar(service, alice, png())
  const attempt = { userId: alice, conversationId: uuidv4(), messageId: MESSAGE_ID, attemptId: uuidv4() }
  expect(await service.calls.attachUploads({ ...attempt, uploadIds: [id] })).toMatchObject(notFound)
  for (const type of ['application/pdf', 'video/mp4', 'image/svg+xml']) {
    expect(await service.calls.reserveAvatar({ ...actorOf(alice), type, size: pdf().length })).toMatchObject({
      refusal: { code: 'media_type_not_allowed' },
    })
  }
})

const MESSAGE_ID = '01890a5d-ac96-774b-bcce-b302099a8057'
