import { sql } from 'kysely'
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { pendingKey, readyKey, thumbnailKey, uploadIdOf } from '../src/domain/object-keys.ts'
import { readyUploads } from '../src/store/compared-uploads.ts'
import { listReconciliations } from '../src/store/reconciliations.ts'
import { reconcile } from '../src/housekeeping/reconcile.ts'
import { putObject, removeObject } from '../src/store/objects.ts'
import { beginParts, listParts } from '../src/store/parts.ts'
import { silentLog } from '@parley/testing'
import {
  actorOf,
  image,
  keysOf,
  memberOf,
  pdf,
  startForTest,
  TODAYS_RECONCILIATION,
  upload,
  type MediaForTest,
} from './start-for-test.ts'

const file = { type: 'application/pdf', content: pdf() }
const unknown = () => ({ id: uuidv4(), createdAt: '2026-01-15T00:00:00.000Z' })

describe('the reconciliation of bucket and table', () => {
  test('removes objects of no upload, and of those that are gone or checked, and leaves all others', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const { id, createdAt } = await upload(service, alice, { type: 'image/png', content: await image(50, 50) })
    const expected = await keysOf(service)
    expect(expected).toHaveLength(3)
    const [lost, another] = [unknown(), unknown()]
    const leftovers = [pendingKey(lost), readyKey(lost), thumbnailKey(another, 'small'), pendingKey({ id, createdAt })]
    for (const key of leftovers) await putObject(service.s3, key, pdf(), { type: file.type })
    await putObject(service.s3, 'somebody/elses/file', pdf(), { type: file.type })
    await run(service)
    expect((await keysOf(service)).toSorted()).toEqual([...expected, 'somebody/elses/file'].toSorted())
    const asked = await service.calls.listReconciliations({ actor: { userId: uuidv4(), scopes: ['admin'] } })
    expect(asked).toMatchObject({ value: { reconciliations: await listReconciliations(service.db, 30) } })
    expect(await reports(service)).toMatchObject([
      { outcome: 'finished', objects: 8, uploads: 1, unknownObjects: 4, removedObjects: 4, missingObjects: 0 },
    ])
  })

  test('leaves what is younger than a day: it may be on its way', async () => {
    await using service = await startForTest()
    const key = pendingKey(unknown())
    await putObject(service.s3, key, pdf(), { type: file.type })
    await run(service, { orphanAfterMs: 60_000 })
    expect(await keysOf(service)).toEqual([key])
    expect(await reports(service)).toMatchObject([{ outcome: 'finished', unknownObjects: 0 }])
  })

  test('leaves the ZIPs of exports alone, however old', async () => {
    await using service = await startForTest()
    const key = `exports/2026-01/${uuidv7()}`
    await putObject(service.s3, key, pdf(), { type: 'application/zip' })
    const multipartId = await beginParts(service.s3, `${key}.zip`, 'application/zip')
    await run(service)
    expect(await keysOf(service)).toEqual([key])
    expect(await listParts(service.s3, `${key}.zip`, multipartId)).toEqual([])
    expect(await reports(service)).toMatchObject([{ outcome: 'finished', objects: 1, unknownObjects: 0 }])
  })

  test('removes what came after an upload was removed for the last time, however young it is', async () => {
    await using service = await startForTest()
    await service.stop()
    const [gone, going] = await insertReady(service, 2)
    const now = sql<Date>`clock_timestamp()`
    await service.db.updateTable('uploads').set({ state: 'deleted', deletedAt: now }).execute()
    await service.db.updateTable('uploads').set({ removedAt: now }).where('id', '=', gone!.id).execute()
    for (const one of [gone!, going!]) await putObject(service.s3, readyKey(one), pdf(), { type: file.type })
    await run(service, { orphanAfterMs: 60_000 })
    expect(await keysOf(service)).toEqual([readyKey(going!)])
  })

  test('reports uploads whose object is gone, at the beginning, in the middle and at the end, until it is back', async () => {
    await using service = await startForTest()
    const alice = memberOf(service)
    const uploads: { id: string; createdAt: string }[] = []
    for (let index = 0; index < 6; index += 1) uploads.push(await upload(service, alice, file))
    // In different months, in the order of their keys.
    for (const [index, { id }] of uploads.entries()) {
      const createdAt = new Date(Date.UTC(2026, Math.floor(index / 2), 3))
      await service.db.updateTable('uploads').set({ createdAt }).where('id', '=', id).execute()
      const moved = { id, createdAt: createdAt.toISOString() }
      if ([1, 3, 4].includes(index)) await putObject(service.s3, readyKey(moved), pdf(), { type: file.type })
    }
    for (const { id, createdAt } of uploads) await removeObject(service.s3, readyKey({ id, createdAt }))
    await run(service)
    const missing = [0, 2, 5].map((index) => uploads[index]!.id)
    const [report] = await reports(service)
    expect(report).toMatchObject({ outcome: 'finished', uploads: 6, missingObjects: 3, missingUploadIds: missing })
    expect(await missingNow(service)).toEqual([...missing].toSorted())
    // Nobody meets an error of ours for it.
    expect(await service.calls.downloadMedia({ ...actorOf(alice), id: missing[0]! })).toMatchObject({ ok: true })

    const back = { id: missing[1]!, createdAt: '2026-02-03T00:00:00.000Z' }
    await putObject(service.s3, readyKey(back), pdf(), { type: file.type })
    await run(service)
    expect((await reports(service))[0]).toMatchObject({ missingObjects: 2 })
    expect(await missingNow(service)).toEqual([missing[0]!, missing[2]!].toSorted())
  })

  test('removes nothing when too much is unknown: the database may be the wrong one', async () => {
    await using service = await startForTest()
    const lost = Array.from({ length: 1_050 }, () => readyKey(unknown()))
    await putAll(service, lost)
    await run(service)
    expect(await reports(service)).toMatchObject([
      { outcome: 'too_many_unknown', objects: 1_050, unknownObjects: 1_050, removedObjects: 0 },
    ])
    expect(await keysOf(service)).toHaveLength(1_050)
  }, 120_000)

  test('is not misled by the many objects of others: they do not make the unknown ones few', async () => {
    await using service = await startForTest()
    const lost = Array.from({ length: 12 }, () => readyKey(unknown()))
    const others = Array.from({ length: 150 }, (_, index) => `backups/${index}`)
    await putAll(service, [...lost, ...others])
    await run(service, { mostRemoved: 10 })
    expect(await reports(service)).toMatchObject([{ outcome: 'too_many_unknown', objects: 162, unknownObjects: 12 }])
    expect(await keysOf(service)).toHaveLength(162)
  })

  test('goes through many pages of objects and of uploads, and keeps no transaction open in between', async () => {
    await using service = await startForTest()
    await service.stop()
    const uploads = await insertReady(service, 2_200)
    // Also the last one of a page, and the first of the next.
    const missing = new Set([0, 999, 1_000, 1_999, 2_000, 2_199])
    const leftovers = Array.from({ length: 30 }, () => readyKey(unknown()))
    const sorted = uploads.map(readyKey).toSorted()
    await putAll(service, [...sorted.filter((_, index) => !missing.has(index)), ...leftovers])

    const read: string[] = []
    for await (const { id, createdAt } of readyUploads(service.db, 0)) {
      if (read.length === 1_000) expect(await openTransactions(service)).toBe(0)
      read.push(readyKey({ id, createdAt: createdAt.toISOString() }))
    }
    expect(read).toEqual(sorted)

    await run(service)
    const [report] = await reports(service)
    expect(report).toMatchObject({ outcome: 'finished', objects: 2_224, uploads: 2_200, removedObjects: 30 })
    expect(report?.missingUploadIds).toEqual([...missing].map((index) => uploadIdOf(sorted[index]!)))
    expect(await keysOf(service)).toHaveLength(2_194)
  }, 120_000)

  test('leaves the parts of others alone', async () => {
    await using service = await startForTest()
    const key = 'backups/a-week-of-them'
    const multipartId = await beginParts(service.s3, key, file.type)
    await run(service)
    expect(await listParts(service.s3, key, multipartId)).toEqual([])
  })

  test('abandons parts that nobody will join', async () => {
    await using service = await startForTest()
    const key = pendingKey(unknown())
    const multipartId = await beginParts(service.s3, key, file.type)
    const reserved = uuidv7()
    const kept = await beginParts(
      service.s3,
      pendingKey({ id: reserved, createdAt: new Date().toISOString() }),
      file.type,
    )
    await service.db
      .insertInto('uploads')
      .values({ id: reserved, conversationId: uuidv4(), uploadedBy: uuidv4(), name: 'x', type: file.type, size: 1 })
      .execute()
    await service.db
      .updateTable('uploads')
      .set({ multipartId: kept, partBytes: 1 })
      .where('id', '=', reserved)
      .execute()
    await run(service)
    expect(await listParts(service.s3, key, multipartId)).toBe('gone')
    const row = await service.db.selectFrom('uploads').selectAll().where('id', '=', reserved).executeTakeFirstOrThrow()
    const itsKey = pendingKey({ id: reserved, createdAt: row.createdAt.toISOString() })
    expect(await listParts(service.s3, itsKey, kept)).toEqual([])
  })

  test('is done once a day among all instances, and again when it has failed or its instance has died', async () => {
    await using service = await startForTest()
    await stopAndForget(service)
    const daily = 24 * 60 * 60_000
    await Promise.all([1, 2, 3].map(() => run(service, {}, daily)))
    expect(await reports(service)).toHaveLength(1)
    const age = (hours: number) => sql<Date>`clock_timestamp() - ${hours} * interval '1 hour'`
    await service.db
      .updateTable('reconciliations')
      .set({ startedAt: age(25) })
      .execute()
    await run(service, {}, daily)
    expect(await reports(service)).toHaveLength(2)

    // Killed in the middle: it stands as running, and is not heard of.
    await service.db.insertInto('reconciliations').values({ id: uuidv7() }).execute()
    await run(service, {}, daily)
    expect(await reports(service)).toHaveLength(3)
    await service.db
      .updateTable('reconciliations')
      .set({ startedAt: age(2), heardAt: age(1) })
      .where('outcome', '=', 'running')
      .execute()
    await service.db
      .updateTable('reconciliations')
      .set({ startedAt: age(30) })
      .where('outcome', '=', 'finished')
      .execute()
    await run(service, {}, daily)
    expect((await reports(service)).map(({ outcome }) => outcome).toSorted()).toEqual([
      'failed',
      'finished',
      'finished',
      'finished',
    ])
  })

  test('that fails in the middle says so', async () => {
    await using service = await startForTest()
    await stopAndForget(service)
    const stopped = AbortSignal.abort(new Error('stopped'))
    await run(service, {}, 0, stopped)
    expect(await reports(service)).toMatchObject([{ outcome: 'failed' }])
  })
})

const text = new TextEncoder().encode('x')

async function putAll({ s3 }: MediaForTest, keys: readonly string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += 50) {
    const some = keys.slice(start, start + 50)
    await Promise.all(some.map((key) => putObject(s3, key, text, { type: 'text/plain' })))
  }
}

/** Of three years, in no order. */
async function insertReady({ db }: MediaForTest, uploads: number): Promise<{ id: string; createdAt: string }[]> {
  const values = Array.from({ length: uploads }, () => ({
    id: uuidv4(),
    conversationId: uuidv4(),
    uploadedBy: uuidv4(),
    name: 'x',
    type: 'text/plain',
    size: 1,
  }))
  await db.insertInto('uploads').values(values).execute()
  const rows = await db
    .updateTable('uploads')
    .set({
      state: 'ready',
      checkedEtag: 'any',
      createdAt: sql<Date>`timestamptz '2023-01-01' + random() * interval '3 years'`,
      settledAt: sql<Date>`timestamptz '2026-01-01'`,
    })
    .returning(['id', 'createdAt'])
    .execute()
  return rows.map(({ id, createdAt }) => ({ id, createdAt: createdAt.toISOString() }))
}

async function openTransactions({ db }: MediaForTest): Promise<number> {
  const { rows } = await sql<{ open: number }>`
    select count(*) as open from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null`.execute(db)
  return Number(rows[0]?.open)
}

/** As if everything was older than a day. */
async function run(
  { db, s3 }: MediaForTest,
  changed: { orphanAfterMs?: number; mostRemoved?: number } = {},
  everyMs = 0,
  signal = new AbortController().signal,
): Promise<void> {
  await reconcile({ db, s3, orphanAfterMs: -60_000, log: silentLog, ...changed }, signal, everyMs)
}

/** Without the one that was there from the start. */
async function reports(service: MediaForTest) {
  const all = await listReconciliations(service.db, 30)
  return all.filter(({ id }) => id !== TODAYS_RECONCILIATION)
}

/** So that none but those of the test are made. */
async function stopAndForget(service: MediaForTest): Promise<void> {
  await service.stop()
  await service.db.deleteFrom('reconciliations').execute()
}

async function missingNow({ db }: MediaForTest): Promise<string[]> {
  const rows = await db.selectFrom('uploads').select('id').where('missingSince', 'is not', null).execute()
  return rows.map(({ id }) => id).toSorted()
}
