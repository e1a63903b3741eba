import { createContext, must } from '@parley/bus'
import type { Counts, Finding, media, ReplyOf } from '@parley/contracts'
import { systemClock, type Clock } from '@parley/runtime'
import { sql, type UpdateObject } from 'kysely'
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import { findRemains } from '../src/calls/find-remains.ts'
import { pendingKey, readyKey, thumbnailKey } from '../src/domain/object-keys.ts'
import { asDeleted } from '../src/store/deletion.ts'
import { putObject } from '../src/store/objects.ts'
import type { Tables } from '../src/store/tables.ts'
import { insertSent, type SentFile } from './sent-files.ts'
import {
  keysOf,
  memberOf,
  pdf,
  png,
  send,
  startForTest,
  upload,
  uploadAvatar,
  type MediaForTest,
} from './start-for-test.ts'

const file = { type: 'application/pdf', content: pdf() }
const DAY_MS = 24 * 60 * 60 * 1_000
/** As if whatever is in the bucket was there for two days. */
const inTwoDays = { now: () => new Date(Date.now() + 2 * DAY_MS) }

test('nothing remains where all is as it should be: in use, held, on its way, or of others', async () => {
  await using service = await startForTest({}, undefined, inTwoDays)
  const [alice, bob] = [uuidv4(), memberOf(service)]
  await send(service, bob, { type: 'image/png', content: png() })
  await upload(service, bob, file)
  const avatar = await uploadAvatar(service, bob, png())
  await service.calls.useAvatar({ userId: bob, uploadId: avatar.id, owner: { userId: bob } })
  // Held: messaging still knows the message of who is erased.
  const [held] = await insertSent(service, 1, alice)
  service.messages.set(held!.messageId, [held!.id])
  const [deleted] = await insertSent(service, 1)
  // Deleted within the last day: it may still be on its way out.
  await setDeleted(service, [deleted!], 23)
  await change(service, deleted!, { removedAt: null, removalHeldUntil: ago(-1) })
  await putObject(service.s3, readyKey(deleted!), pdf(), { type: file.type })
  for (const key of ['exports/2026-01/somebody.zip', 'exports/ready/2026-01', 'backup']) {
    await putObject(service.s3, key, pdf(), { type: file.type })
  }
  const { findings, counts } = await remains(service, [alice])
  expect(findings).toEqual([])
  expect(counts['s3.objects']).toBe((await keysOf(service)).length)
  expect(counts['postgres.uploads']).toBe(2)
})

test('what is left of an erased user is found: uploads, and events', async () => {
  await using service = await startForTest()
  const [alice, bob] = [memberOf(service), memberOf(service)]
  const [left, ofMessage] = [await upload(service, alice, file), await send(service, alice, file)]
  await upload(service, bob, file)
  for (const [messageId, ids] of service.messages) if (ids.includes(ofMessage.id)) service.messages.delete(messageId)
  const { streams } = await service.bus.nats.jetstreamManager()
  await expect.poll(async () => (await streams.info('MEDIA')).state.messages).toBe(3)
  const { findings } = await remains(service, [uuidv4(), alice])
  expect(findings).toEqual([
    ...[left.id, ofMessage.id].map((id) => ({ store: 'postgres', what: 'upload of an erased user', id })),
    ...['1', '2'].map((id) => ({ store: 'jetstream', what: 'event about an erased user', id })),
  ])
}, 60_000)

test('deleted uploads are found whose details, rows or objects are left, and events that nobody was told', async () => {
  await using service = await startForTest()
  await service.stop()
  const [named, stuck, kept, fine] = await insertSent(service, 4)
  await setDeleted(service, [named!, stuck!, kept!, fine!], 25)
  await change(service, named!, { name: 'left behind.pdf' })
  await change(service, stuck!, { removedAt: null })
  await change(service, kept!, { removedAt: ago(25) })
  await service.db.insertInto('outbox').values({ events: '[]', claimedUntil: null }).execute()
  const { id } = await service.db
    .insertInto('outbox')
    .values({ events: '[]', claimedUntil: null, createdAt: new Date(Date.now() - 2 * 3_600_000) })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { findings } = await remainsOfStopped(service)
  expect(findings).toEqual(
    expect.arrayContaining([
      { store: 'postgres', what: 'details of a deleted upload', id: named!.id },
      { store: 'postgres', what: 'upload that is deleted but not removed from S3', id: stuck!.id },
      { store: 'postgres', what: 'row of an upload that is gone', id: kept!.id },
      { store: 'postgres', what: 'events that could not be told', id: String(id) },
    ]),
  )
  expect(findings).toHaveLength(4)
})

test('files of messages that messaging does not know any more are found, but not while they are being deleted', async () => {
  await using service = await startForTest()
  await service.stop()
  const files = await insertSent(service, 250)
  const [gone, going] = [files[10]!, files[200]!]
  for (const { id, messageId } of files) service.messages.set(messageId, [id])
  service.messages.delete(gone.messageId)
  service.messages.delete(going.messageId)
  const finding = remainsOfStopped(service)
  await setDeleted(service, [going], 0)
  expect((await finding).findings).toEqual([{ store: 's3', what: 'file of a message that is gone', id: gone.id }])
}, 60_000)

test('objects are found of uploads that are deleted or unknown, a hundred in an answer, and none twice', async () => {
  await using service = await startForTest()
  await service.stop()
  const sent = await insertSent(service, 3)
  const [live, deleted, forgotten] = sent
  service.messages.set(live!.messageId, [live!.id])
  await setDeleted(service, [deleted!], 25)
  await service.db.deleteFrom('uploads').where('id', '=', forgotten!.id).execute()
  const unknown = Array.from({ length: 240 }, () => readyKey({ id: uuidv7(), createdAt: '2026-01-15T00:00:00.000Z' }))
  const left = [pendingKey(deleted!), readyKey(deleted!), thumbnailKey(forgotten!, 'large'), ...unknown]
  for (const key of [readyKey(live!), 'exports/one.zip', ...left]) {
    await putObject(service.s3, key, pdf(), { type: file.type })
  }
  const { findings, most } = await remainsOfStopped(service, inTwoDays)
  expect(findings.map(({ id }) => id).toSorted()).toEqual(left.toSorted())
  expect(most).toBeLessThanOrEqual(100)
}, 60_000)

/** Gone from the bucket just now, too, with nothing left to forget. */
async function setDeleted({ db }: MediaForTest, files: readonly SentFile[], hoursAgo: number): Promise<void> {
  await db
    .updateTable('uploads')
    .set({ ...asDeleted(), deletedAt: ago(hoursAgo), removedAt: ago(0) })
    .where(
      'id',
      'in',
      files.map(({ id }) => id),
    )
    .execute()
}

async function change({ db }: MediaForTest, { id }: SentFile, changes: UpdateObject<Tables, 'uploads'>): Promise<void> {
  await db.updateTable('uploads').set(changes).where('id', '=', id).execute()
}

const ago = (hours: number) => sql<Date>`clock_timestamp() - ${hours} * interval '1 hour'`

interface Remains {
  readonly findings: Finding[]
  readonly counts: Counts
  /** Findings in one answer. */
  readonly most: number
}

/** All pages, as the service answers them. */
const remains = (service: MediaForTest, erasedUserIds: string[]): Promise<Remains> =>
  allPages(async (cursor) => must(await service.calls.findRemains({ erasedUserIds, cursor })))

/** The same of a service that was stopped, so that it does not tidy up what is looked for. */
const remainsOfStopped = (service: MediaForTest, clock: Clock = systemClock): Promise<Remains> => {
  const { db, s3, bus, owners } = service
  const find = findRemains({ db, s3, bus, clock, messaging: owners.messaging })
  return allPages((cursor) => find({ erasedUserIds: [], cursor }, createContext('remains', 60_000)))
}

type Page = ReplyOf<typeof media.calls.findRemains>

async function allPages(ask: (cursor: string | null) => Promise<Page>): Promise<Remains> {
  const pages: Page[] = []
  let cursor: string | null = null
  do {
    const page = await ask(cursor)
    pages.push(page)
    cursor = page.cursor
  } while (cursor !== null)
  const counts: Record<string, number> = {}
  for (const page of pages) {
    for (const [thing, count] of Object.entries(page.counts)) counts[thing] = (counts[thing] ?? 0) + count
  }
  return {
    findings: pages.flatMap(({ findings }) => findings),
    counts,
    most: Math.max(...pages.map(({ findings }) => findings.length)),
  }
}
