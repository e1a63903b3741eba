import type { ConversationKind } from '@parley/protocol'
import { nextExpiryStep, type ExpiryCursor } from '../domain/expiry-cursor.ts'
import { listExpiring, listWithExpiringFiles, listWithOwnRetention, type Expiring } from '../store/expiring.ts'
import { deleteReleased } from '../store/released-messages.ts'
import { expireConversations } from './expire-conversations.ts'
import { expireFilesOf } from './expire-files.ts'
import type { Expiry } from './expiring.ts'

/** Locked together for a moment, and done together. */
const CONVERSATIONS_AT_ONCE = 100

/** Goes on from a place until time is up, and answers where it is then; undefined when all was gone through. */
export async function expirePart(
  expiry: Expiry,
  from: ExpiryCursor,
): Promise<{ cursor?: ExpiryCursor; busy: boolean }> {
  let cursor = from
  for (;;) {
    const advanced = await advance(expiry, cursor)
    cursor = advanced.cursor
    if (advanced.isWhole) {
      const next = nextExpiryStep(cursor)
      if (next === undefined) return { busy: cursor.busy }
      cursor = next
    }
    if (expiry.pace.isOver) return { cursor, busy: cursor.busy }
  }
}

interface Advanced {
  readonly cursor: ExpiryCursor
  /** The step is through. */
  readonly isWhole: boolean
}

function advance(expiry: Expiry, cursor: ExpiryCursor): Promise<Advanced> {
  switch (cursor.step) {
    case 'messages-direct':
      return expireKind(expiry, cursor, 'direct')
    case 'messages-group':
      return expireKind(expiry, cursor, 'group')
    case 'messages-channel':
      return expireKind(expiry, cursor, 'channel')
    case 'own':
      return expireOwn(expiry, cursor)
    case 'files-direct':
      return expireFilesOfKind(expiry, cursor, 'direct')
    case 'files-group':
      return expireFilesOfKind(expiry, cursor, 'group')
    case 'files-channel':
      return expireFilesOfKind(expiry, cursor, 'channel')
    case 'held':
      return releaseHeld(expiry, cursor)
  }
}

async function expireKind(expiry: Expiry, cursor: ExpiryCursor, kind: ConversationKind): Promise<Advanced> {
  const keptSince = expiry.retention.keptSince(asRulesSay(kind))
  const page = await listExpiring(expiry.db, { kind, keptSince, after: placeOf(cursor), limit: CONVERSATIONS_AT_ONCE })
  const expired = await expireConversations(expiry, page)
  if (expired === 'more') return { cursor, isWhole: false }
  const last = page.at(-1)
  const busy = cursor.busy || expired === 'busy'
  return advanceTo({ ...cursor, busy }, page, last && { at: last.keptFrom ?? last.createdAt, id: last.id })
}

async function expireOwn(expiry: Expiry, cursor: ExpiryCursor): Promise<Advanced> {
  const page = await listWithOwnRetention(expiry.db, { after: placeOf(cursor), limit: CONVERSATIONS_AT_ONCE })
  const { retention } = expiry
  // Those without days of their own for messages come with their kind.
  const own = page.filter(
    (one) => one.messageDays !== null && (one.keptFrom ?? one.createdAt) <= retention.keptSince(one),
  )
  const expired = await expireConversations(expiry, own)
  if (expired === 'more') return { cursor, isWhole: false }
  const withFiles = page.filter((one) => retention.filesKeptSince(one) > retention.keptSince(one))
  if (!(await expireFilesOf(expiry, withFiles))) return { cursor, isWhole: false }
  const last = page.at(-1)
  const busy = cursor.busy || expired === 'busy'
  return advanceTo({ ...cursor, busy }, page, last && { at: last.createdAt, id: last.id })
}

async function expireFilesOfKind(expiry: Expiry, cursor: ExpiryCursor, kind: ConversationKind): Promise<Advanced> {
  const keptSince = expiry.retention.filesKeptSince(asRulesSay(kind))
  // Files that are kept as long as their messages go with them.
  if (keptSince <= expiry.retention.keptSince(asRulesSay(kind))) return { cursor, isWhole: true }
  const asked = { kind, keptSince, after: placeOf(cursor), limit: CONVERSATIONS_AT_ONCE }
  const page = await listWithExpiringFiles(expiry.db, asked)
  if (!(await expireFilesOf(expiry, page))) return { cursor, isWhole: false }
  const last = page.at(-1)
  return advanceTo(cursor, page, last && { at: last.filesKeptFrom ?? last.createdAt, id: last.id })
}

async function releaseHeld(expiry: Expiry, cursor: ExpiryCursor): Promise<Advanced> {
  const { after, messages, files, told } = await deleteReleased(expiry.db, cursor.id)
  await expiry.done({ counts: { 'postgres.released': messages, files }, told })
  return { cursor: { ...cursor, id: after }, isWhole: after === null }
}

const asRulesSay = (kind: ConversationKind) => ({ kind, messageDays: null, fileDays: null })

const placeOf = ({ at, id }: ExpiryCursor) => ({ at: at === null ? null : new Date(at), id })

function advanceTo(
  cursor: ExpiryCursor,
  page: readonly Expiring[],
  last: { at: Date; id: string } | undefined,
): Advanced {
  if (last === undefined) return { cursor, isWhole: true }
  const isWhole = page.length < CONVERSATIONS_AT_ONCE
  return { cursor: { ...cursor, at: last.at.toISOString(), id: last.id }, isWhole }
}
