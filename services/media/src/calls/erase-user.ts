import { erasePartOfEvents, type Bus, type Handler } from '@parley/bus'
import { media, type ReplyOf } from '@parley/contracts'
import { attachmentsInUse, type Messages } from '../attachments-in-use.ts'
import { cursorOf, placeOf } from '../domain/step-cursor.ts'
import { noteErased } from '../store/erased-users.ts'
import type { Db } from '../store/tables.ts'
import {
  countLiveUploads,
  deleteWithUser,
  forgetDeleted,
  forgetUploader,
  hasUntoldEvents,
  listLiveUploads,
} from '../store/uploads-of-user.ts'

interface Erasing extends Messages {
  readonly db: Db
  readonly bus: Bus
  readonly removeSoon: () => void
}

type Erased = ReplyOf<typeof media.calls.eraseUser>

const STEPS = ['files', 'removal', 'events'] as const
const UPLOADS_AT_ONCE = 100
const ERASE_EVENTS_MS = 10_000

/**
 * Deletes all uploads of a user but those that messaging still calls part of a message: those are held. Then waits until
 * nothing of them is in the bucket, forgets their rows, and erases what was told of them. What the user reserved in the last
 * moment is among them, and more is not taken.
 */
export const eraseUser =
  (using: Erasing): Handler<typeof media.calls.eraseUser> =>
  ({ userId, cursor }) => {
    const { step, after } = placeOf(cursor, STEPS)
    switch (step) {
      case 'files':
        return deleteFiles(using, userId, after)
      case 'removal':
        return awaitRemoval(using, userId)
      case 'events':
        return eraseTold(using, userId, Number(after))
    }
  }

async function deleteFiles(using: Erasing, userId: string, after: string | null): Promise<Erased> {
  const { db } = using
  if (after === null) await noteErased(db, userId)
  const found = await listLiveUploads(db, userId, { after, most: UPLOADS_AT_ONCE })
  const held = await attachmentsInUse(using, found)
  const ofConversations = found.filter(({ avatarOf }) => avatarOf?.startsWith('conversation:'))
  await forgetUploader(
    db,
    ofConversations.map(({ id }) => id),
  )
  const stays = new Set([...held, ...ofConversations.map(({ id }) => id)])
  const deleted = await deleteWithUser(
    db,
    found.filter(({ id }) => !stays.has(id)),
  )
  if (deleted.length > 0) using.removeSoon()
  const inBucket = deleted.filter(({ checkedEtag, removedAt }) => checkedEtag !== null && removedAt === null)
  const last = found.length === UPLOADS_AT_ONCE ? found.at(-1) : undefined
  return {
    counts: { 'postgres.uploads': deleted.length + ofConversations.length, 's3.files': inBucket.length },
    cursor: cursorOf(last === undefined ? { step: 'removal', after: null } : { step: 'files', after: last.id }),
    outcome: 'more',
  }
}

/** Until nothing is left of what was deleted, also not of what was still being sent, and all that there is to tell is told. */
async function awaitRemoval({ db, removeSoon }: Erasing, userId: string): Promise<Erased> {
  const { left } = await forgetDeleted(db, userId)
  if (left > 0) removeSoon()
  const isOver = left === 0 && !(await hasUntoldEvents(db, userId))
  return isOver
    ? { counts: {}, cursor: cursorOf({ step: 'events', after: '0' }), outcome: 'more' }
    : { counts: {}, cursor: cursorOf({ step: 'removal', after: null }), outcome: 'waiting' }
}

async function eraseTold({ db, bus }: Erasing, userId: string, after: number): Promise<Erased> {
  const endsAt = Date.now() + ERASE_EVENTS_MS
  const events = await erasePartOfEvents(bus, media, {
    subject: 'media.event.>',
    isOf: ({ uploadedBy }) => uploadedBy === userId,
    after,
    isEnough: () => Date.now() >= endsAt,
  })
  const counts = { 'jetstream.events': events.erased }
  if (events.after !== null) {
    return { counts, cursor: cursorOf({ step: 'events', after: String(events.after) }), outcome: 'more' }
  }
  const { attached, others } = await countLiveUploads(db, userId)
  // Given back by an attempt to send a message just when it was passed over.
  if (others > 0) return { counts, cursor: null, outcome: 'more' }
  return { counts: { ...counts, ...(attached > 0 && { 'held.files': attached }) }, cursor: null, outcome: 'done' }
}
