import { setTimeout as delay } from 'node:timers/promises'
import { findPartOfEvents, type Bus } from '@parley/bus'
import { media, type Counts, type Finding } from '@parley/contracts'
import type { Clock } from '@parley/runtime'
import type { S3 } from '@parley/s3'
import { attachmentsInUse, type Messages } from './attachments-in-use.ts'
import { uploadIdOf } from './domain/object-keys.ts'
import { statesOf } from './store/compared-uploads.ts'
import { listObjectsAfter } from './store/objects.ts'
import { listAttached, listLeftRows, listOfErased, listUntold, listWithoutObjects } from './store/remains.ts'
import type { Db, UploadRow } from './store/tables.ts'

export interface Looking extends Messages {
  readonly db: Db
  readonly s3: S3
  readonly bus: Bus
  readonly clock: Clock
  readonly erasedUserIds: readonly string[]
}

/** What was found on one page, and after what the next one begins; null when this was the last. */
export interface Left {
  readonly counts: Counts
  readonly findings: readonly Finding[]
  readonly after: string | null
}

const MOST = 100
const OBJECTS_AT_ONCE = 1_000
/** Keys of others may be longer than a cursor: then some of them are listed once more. */
const CURSOR_CHARACTERS = 900
const LOOK_AT_EVENTS_MS = 10_000
const HEARD_WITHIN_MS = 5_000
const DAY_MS = 24 * 60 * 60_000

/** Uploads of erased users, but those of messages that are held. */
export async function ofErasedLeft(using: Looking, after: string | null): Promise<Left> {
  const { db, erasedUserIds } = using
  const rows = erasedUserIds.length === 0 ? [] : await listOfErased(db, erasedUserIds, { after, most: MOST })
  const notHeld = await notInUse(using, rows)
  const left = rows.filter(({ id, state }) => state === 'deleted' || notHeld.has(id))
  return {
    counts: { 'postgres.uploads': rows.length },
    findings: left.map(({ id }) => ({ store: 'postgres', what: 'upload of an erased user', id })),
    after: lastOf(rows),
  }
}

export async function eventsLeft({ bus, erasedUserIds }: Looking, after: string | null): Promise<Left> {
  if (erasedUserIds.length === 0) return nothing
  const endsAt = Date.now() + LOOK_AT_EVENTS_MS
  const erased = new Set<unknown>(erasedUserIds)
  const isOf = ({ uploadedBy }: Readonly<Record<string, unknown>>) => erased.has(uploadedBy)
  const events = await findPartOfEvents(bus, media, {
    subject: 'media.event.>',
    isOf,
    most: MOST,
    after: Number(after),
    isEnough: () => Date.now() >= endsAt,
  })
  return {
    counts: {},
    findings: events.found.map((sequence) => ({
      store: 'jetstream',
      what: 'event about an erased user',
      id: String(sequence),
    })),
    after: events.after === null ? null : String(events.after),
  }
}

export async function rowsLeft({ db }: Looking, after: string | null): Promise<Left> {
  const rows = await listLeftRows(db, { after, most: MOST })
  return {
    counts: {},
    findings: rows.map(({ id, what }) => ({ store: 'postgres', what, id })),
    after: lastOf(rows),
  }
}

export async function untoldLeft({ db }: Looking): Promise<Left> {
  const ids = await listUntold(db, MOST)
  return {
    counts: {},
    findings: ids.map((id) => ({ store: 'postgres', what: 'events that could not be told', id: String(id) })),
    after: null,
  }
}

/** Files of messages that messaging does not know any more. */
export async function attachmentsLeft(using: Looking, after: string | null): Promise<Left> {
  const rows = await listAttached(using.db, { after, most: MOST })
  const left = await notInUse(using, rows)
  return {
    counts: { 'postgres.uploads': rows.length },
    findings: [...left].map((id) => ({ store: 's3', what: 'file of a message that is gone', id })),
    after: lastOf(rows),
  }
}

/** Objects of uploads that are deleted, or that there are not. What is not named as ours is somebody else's. */
export async function objectsLeft({ db, s3, clock }: Looking, after: string | null): Promise<Left> {
  const { objects, isLast } = await listObjectsAfter(s3, after, OBJECTS_AT_ONCE)
  const writtenBefore = clock.now().getTime() - DAY_MS
  const old = objects.flatMap(({ key, modifiedAt }) => {
    const id = uploadIdOf(key)
    return id !== undefined && modifiedAt.getTime() < writtenBefore ? [{ id, key }] : []
  })
  const unwanted = await listWithoutObjects(db, [...new Set(old.map(({ id }) => id))])
  const left = old.filter(({ id }) => unwanted.has(id))
  const findings = left
    .slice(0, MOST)
    .map(({ key }) => ({ store: 's3', what: 'object of an upload that is gone', id: key }))
  return {
    counts: { 's3.objects': objects.length },
    findings,
    after: left.length > MOST ? findings.at(-1)!.id : isLast ? null : objects.at(-1)!.key.slice(0, CURSOR_CHARACTERS),
  }
}

/** Messages go before their files are told to be gone: only what is still there after a while has been left. */
async function notInUse(using: Looking, uploads: readonly Pick<UploadRow, 'id' | 'messageId'>[]): Promise<Set<string>> {
  const inUse = await attachmentsInUse(using, uploads)
  const suspects = uploads.filter(({ id }) => !inUse.has(id)).map(({ id }) => id)
  if (suspects.length === 0) return new Set()
  await delay(HEARD_WITHIN_MS)
  const states = await statesOf(using.db, suspects)
  return new Set(suspects.filter((id) => (states.get(id)?.state ?? 'deleted') !== 'deleted'))
}

const nothing: Left = { counts: {}, findings: [], after: null }

const lastOf = (rows: readonly { readonly id: string }[]): string | null =>
  rows.length === MOST ? rows.at(-1)!.id : null
