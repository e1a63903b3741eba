import { v4 as uuidv4, v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memberOf, png, post, reserve, startForTest, text, upload, type MediaForTest } from './start-for-test.ts'

let service: MediaForTest
beforeAll(async () => void (service = await startForTest()))
afterAll(() => service[Symbol.asyncDispose]())

const image = { name: 'cat.png', type: 'image/png', content: png() }

/** A user with some ready uploads in one conversation. */
async function userWithUploads(count: number) {
  const userId = memberOf(service)
  const conversationId = uuidv4()
  const uploads = await Promise.all(
    Array.from({ length: count }, () => upload(service, userId, { ...image, conversationId })),
  )
  return { userId, conversationId, uploadIds: uploads.map(({ id }) => id), uploads }
}

const newAttempt = (messageId = uuidv7()) => ({ messageId, attemptId: uuidv4() })

const refused = (code: string) => ({ ok: false, refusal: { code } })

test('ready uploads become part of a message, in the order named, and the same again is answered the same', async () => {
  const { uploadIds, uploads, ...owner } = await userWithUploads(2)
  const request = { ...owner, ...newAttempt(), uploadIds: uploadIds.toReversed() }
  const attached = await service.calls.attachUploads(request)
  const facts = { durationMs: null, pages: null, width: 1, height: 1, type: 'image/png', name: 'cat.png' }
  expect(attached).toEqual({
    ok: true,
    value: {
      attachments: uploads.toReversed().map(({ id, size, blurhash }) => ({ ...facts, id, size, blurhash })),
    },
  })
  expect(await service.calls.attachUploads(request)).toEqual(attached)
})

test('an upload is part of one message only, until that message is given up', async () => {
  const { userId, uploadIds, conversationId } = await userWithUploads(2)
  const [first, second] = [newAttempt(), newAttempt()]
  const attach = (attempt: typeof first, ids: string[]) =>
    service.calls.attachUploads({ userId, conversationId, ...attempt, uploadIds: ids })
  expect(await attach(first, uploadIds.slice(0, 1))).toMatchObject({ ok: true })
  expect(await attach(second, uploadIds)).toMatchObject(refused('upload_not_found'))
  // Nobody else can give it up.
  await service.calls.releaseUploads({ userId: memberOf(service), ...first })
  expect(await attach(second, uploadIds)).toMatchObject(refused('upload_not_found'))
  for (let time = 0; time < 2; time += 1) await service.calls.releaseUploads({ userId, ...first })
  expect(await attach(second, uploadIds)).toMatchObject({ ok: true })
  // What comes late does not free what is held by another message now.
  await service.calls.releaseUploads({ userId, ...first })
  expect(await attach(first, uploadIds)).toMatchObject(refused('upload_not_found'))
})

test('an upload is kept for a message as long as one attempt to send it holds it', async () => {
  const { userId, uploadIds, conversationId } = await userWithUploads(1)
  const first = newAttempt()
  const retry = newAttempt(first.messageId)
  const attach = (attempt: typeof first) =>
    service.calls.attachUploads({ userId, conversationId, ...attempt, uploadIds })
  for (const attempt of [first, retry, retry]) expect(await attach(attempt)).toMatchObject({ ok: true })
  await service.calls.releaseUploads({ userId, ...first })
  expect(await attach(newAttempt())).toMatchObject(refused('upload_not_found'))
  await service.calls.releaseUploads({ userId, ...retry })
  expect(await attach(newAttempt())).toMatchObject({ ok: true })
})

test('an upload whose message was tried very often stays with it', async () => {
  const { userId, uploadIds, conversationId } = await userWithUploads(1)
  const attempts = [newAttempt()]
  while (attempts.length < 20) attempts.push(newAttempt(attempts[0]!.messageId))
  const attach = (attempt: ReturnType<typeof newAttempt>) =>
    service.calls.attachUploads({ userId, conversationId, ...attempt, uploadIds })
  for (const attempt of attempts) expect(await attach(attempt)).toMatchObject({ ok: true })
  for (const attempt of attempts) await service.calls.releaseUploads({ userId, ...attempt })
  expect(await attach(newAttempt())).toMatchObject(refused('upload_not_found'))
  expect(await attach(attempts[0]!)).toMatchObject({ ok: true })
})

test('of two messages that name the same uploads at once, in any order, one gets them all', async () => {
  const { uploadIds, uploads: _, ...owner } = await userWithUploads(4)
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      service.calls.attachUploads({
        ...owner,
        ...newAttempt(),
        uploadIds: index % 2 === 0 ? uploadIds : uploadIds.toReversed(),
      }),
    ),
  )
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
  for (const answer of answers) if (!answer.ok) expect(answer).toMatchObject(refused('upload_not_found'))
})

test('messages that take the same uploads and give them up at once do not keep each other waiting', async () => {
  const { uploadIds, uploads: _, ...owner } = await userWithUploads(6)
  await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      for (let round = 0; round < 15; round += 1) {
        const attempt = newAttempt()
        const named = index % 2 === 0 ? uploadIds : uploadIds.toReversed()
        // Rejects with a BusError when Postgres ends a deadlock.
        await service.calls.attachUploads({ ...owner, ...attempt, uploadIds: named })
        await service.calls.releaseUploads({ userId: owner.userId, ...attempt })
      }
    }),
  )
  expect(await service.calls.attachUploads({ ...owner, ...newAttempt(), uploadIds })).toMatchObject({ ok: true })
})

test("nobody else's, no other conversation's, and none that is not ready can be attached", async () => {
  const { userId, conversationId, uploadIds } = await userWithUploads(1)
  const attach = (changed: object) =>
    service.calls.attachUploads({ userId, conversationId, ...newAttempt(), uploadIds, ...changed })
  expect(await attach({ userId: memberOf(service) })).toMatchObject(refused('upload_not_found'))
  expect(await attach({ conversationId: uuidv4() })).toMatchObject(refused('upload_not_found'))
  expect(await attach({ uploadIds: [...uploadIds, uuidv4()] })).toMatchObject(refused('upload_not_found'))

  const reserved = await reserve(service, userId, { ...image, conversationId, content: text('no image') })
  const wrong = { uploadIds: [reserved.upload.id] }
  expect(await attach(wrong)).toMatchObject(refused('upload_not_received'))
  await post(reserved.form, text('no image'))
  await service.calls.completeUpload({ actor: { userId, scopes: [] }, id: reserved.upload.id })
  expect(await attach(wrong)).toMatchObject({
    ok: false,
    refusal: { code: 'upload_rejected', data: { reason: 'not_the_declared_type' } },
  })
  // None of the refusals has taken it.
  expect(await attach({})).toMatchObject({ ok: true })
})
