import { avatarPath } from '@parley/contracts'
import { sql } from 'kysely'
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import { deleteOrphans, type Owners } from '../src/housekeeping/delete-orphans.ts'
import {
  actorOf,
  memberOf,
  pdf,
  png,
  reserve,
  send,
  startForTest,
  upload,
  uploadAvatar,
  type MediaForTest,
} from './start-for-test.ts'

const HOUR_MS = 60 * 60 * 1_000
const file = { type: 'application/pdf', content: pdf() }

test('what nobody has used within a day is deleted: reserved, ready or rejected, but not what is younger or used', async () => {
  await using service = await startForTest()
  const alice = memberOf(service)
  const reserved = (await reserve(service, alice, file)).upload
  const ready = await upload(service, alice, file)
  const sent = await send(service, alice, file)
  await sendAgo(service, 25, [reserved.id, ready.id, sent.id])
  const young = await upload(service, alice, file)
  await sendAgo(service, 23, [young.id])
  await clean(service)
  expect(await stateOf(service, alice, reserved.id)).toBe('deleted')
  expect(await stateOf(service, alice, ready.id)).toBe('deleted')
  expect(await stateOf(service, alice, young.id)).toBe('ready')
  expect(await stateOf(service, alice, sent.id)).toBe('ready')
})

test('part of a message that was never stored it is deleted after a day; of one that is stored it stays, and is asked about once', async () => {
  await using service = await startForTest()
  const alice = memberOf(service)
  const [stored, lost] = [await send(service, alice, file), await send(service, alice, file)]
  for (const [messageId, ids] of service.messages) if (ids.includes(lost.id)) service.messages.delete(messageId)
  await sendAgo(service, 25, [stored.id, lost.id])
  const asked: number[] = []
  await clean(service, {
    listAttachments(request) {
      asked.push(request.messageIds.length)
      return service.owners.messaging.listAttachments(request)
    },
  })
  expect(asked).toEqual([2])
  expect(await stateOf(service, alice, stored.id)).toBe('ready')
  expect(await stateOf(service, alice, lost.id)).toBe('deleted')
  await clean(service, { listAttachments: () => Promise.reject(new Error('asked again')) })
})

test('while `messaging` or `auth` do not answer nothing is deleted that may be theirs', async () => {
  await using service = await startForTest()
  const alice = memberOf(service)
  const sent = await send(service, alice, file)
  const avatar = await uploadAvatar(service, alice, png())
  await service.calls.useAvatar({ userId: alice, uploadId: avatar.id, owner: { userId: alice } })
  await sendAgo(service, 48, [sent.id, avatar.id])
  await service.stopMessaging()
  await expect(clean(service)).rejects.toMatchObject({ code: 'unavailable' })
  expect(await stateOf(service, alice, sent.id)).toBe('ready')
  expect(await stateOf(service, alice, avatar.id)).toBe('ready')
})

test('an avatar that was replaced, taken away or never shown is deleted, and the one that is shown stays', async () => {
  await using service = await startForTest()
  const [alice, bob, group] = [uuidv4(), uuidv4(), uuidv4()]
  const use = async (userId: string, owner: { userId: string } | { conversationId: string }) => {
    const { id } = await uploadAvatar(service, userId, png())
    await service.calls.useAvatar({ userId, uploadId: id, owner })
    return id
  }
  const replaced = await use(alice, { userId: alice })
  await sendAgo(service, 2, [replaced])
  const shown = await use(alice, { userId: alice })
  const takenAway = await use(bob, { userId: bob })
  const ofGroup = await use(bob, { conversationId: group })
  const neverShown = await use(bob, { conversationId: uuidv4() })
  service.avatars.set(alice, avatarPath(shown)).set(bob, null).set(group, avatarPath(ofGroup))
  await sendAgo(service, 1, [shown])
  await sendAgo(service, 25, [takenAway, ofGroup, neverShown])
  await clean(service)
  const states = async (userId: string, ids: string[]) => Promise.all(ids.map((id) => stateOf(service, userId, id)))
  expect(await states(alice, [replaced, shown])).toEqual(['deleted', 'ready'])
  expect(await states(bob, [takenAway, ofGroup, neverShown])).toEqual(['deleted', 'ready', 'deleted'])
})

test('a replaced avatar stays as long as its owner still shows it', async () => {
  await using service = await startForTest()
  const alice = uuidv4()
  const [first, second] = [await uploadAvatar(service, alice, png()), await uploadAvatar(service, alice, png())]
  for (const { id } of [first, second]) {
    await service.calls.useAvatar({ userId: alice, uploadId: id, owner: { userId: alice } })
  }
  // The second was used, but the process that was to store it died.
  service.avatars.set(alice, avatarPath(first.id))
  await sendAgo(service, 2, [first.id])
  await sendAgo(service, 1, [second.id])
  await clean(service)
  expect(await stateOf(service, alice, first.id)).toBe('ready')
  await sendAgo(service, 25, [second.id])
  await clean(service)
  expect(await stateOf(service, alice, second.id)).toBe('deleted')
  expect(await stateOf(service, alice, first.id)).toBe('ready')
})

test('a replaced avatar is found in the same run, however many are shown and asked about', async () => {
  await using service = await startForTest()
  await service.stop()
  const shown = await insertAvatars(service, 250, 48)
  const [replaced] = await insertAvatars(service, 1, 2)
  const [later] = await insertAvatars(service, 1, 1, replaced!.uploadedBy)
  for (const { id, uploadedBy } of [...shown, later!]) service.avatars.set(uploadedBy, avatarPath(id))
  await clean(service)
  const gone = await service.db.selectFrom('uploads').select('id').where('state', '=', 'deleted').execute()
  expect(gone).toEqual([{ id: replaced!.id }])
})

test('about a replaced avatar that is still shown is asked once, and then as about any other', async () => {
  await using service = await startForTest()
  await service.stop()
  const [first] = await insertAvatars(service, 1, 2)
  await insertAvatars(service, 1, 1, first!.uploadedBy)
  service.avatars.set(first!.uploadedBy, avatarPath(first!.id))
  const asked: number[] = []
  const auth = {
    getUsers: (request: { userIds: string[] }) => {
      asked.push(request.userIds.length)
      return service.owners.auth.getUsers(request)
    },
  }
  for (let run = 0; run < 3; run += 1) {
    await deleteOrphans(
      { auth, messaging: service.owners.messaging, db: service.db, orphanAfterMs: 24 * HOUR_MS },
      new AbortController().signal,
    )
  }
  expect(asked).toEqual([1])
})

test('hundreds are gone through, page by page', async () => {
  await using service = await startForTest()
  const values = Array.from({ length: 350 }, () => ({
    id: uuidv7(),
    conversationId: uuidv4(),
    uploadedBy: uuidv4(),
    name: 'x',
    type: file.type,
    size: 1,
  }))
  await service.db.insertInto('uploads').values(values).execute()
  await sendAgo(
    service,
    30,
    values.map(({ id }) => id),
  )
  await clean(service)
  const left = await service.db.selectFrom('uploads').select('id').where('state', '<>', 'deleted').execute()
  expect(left).toEqual([])
})

function clean(service: MediaForTest, changed: Partial<Owners['messaging']> = {}): Promise<void> {
  const { auth, messaging } = service.owners
  const using = { auth, messaging: { ...messaging, ...changed }, db: service.db, orphanAfterMs: 24 * HOUR_MS }
  return deleteOrphans(using, new AbortController().signal)
}

/** Avatars of users, of each by default another one, that were used so many hours ago. */
async function insertAvatars({ db }: MediaForTest, uploads: number, hours: number, userId?: string) {
  const values = Array.from({ length: uploads }, () => ({
    id: uuidv7(),
    conversationId: null,
    uploadedBy: userId ?? uuidv4(),
    name: 'x',
    type: 'image/webp',
    size: 1,
  }))
  await db.insertInto('uploads').values(values).execute()
  const then = sql<Date>`clock_timestamp() - ${hours} * interval '1 hour'`
  await db
    .updateTable('uploads')
    .set({
      state: 'ready',
      checkedEtag: 'any',
      settledAt: then,
      usedAt: then,
      avatarOf: sql<string>`'user:' || uploaded_by`,
    })
    .where(
      'id',
      'in',
      values.map(({ id }) => id),
    )
    .execute()
  return values
}

/** Makes uploads as old as that. */
async function sendAgo({ db }: MediaForTest, hours: number, ids: readonly string[]): Promise<void> {
  const then = sql<Date>`clock_timestamp() - ${hours} * interval '1 hour'`
  const used = sql<Date | null>`case when used_at is not null then ${then} end`
  await db.updateTable('uploads').set({ createdAt: then, usedAt: used }).where('id', 'in', ids).execute()
}

async function stateOf(service: MediaForTest, userId: string, id: string): Promise<string | undefined> {
  const answer = await service.calls.getUpload({ ...actorOf(userId), id })
  return answer.ok ? answer.value.state : undefined
}
