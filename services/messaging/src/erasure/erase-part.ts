import { erasePartOfEvents } from '@parley/bus'
import { messaging } from '@parley/contracts'
import { nextErasureStep, type ErasureCursor } from '../domain/erasure-cursor.ts'
import { listErasing, listWithEvents } from '../store/erasures.ts'
import { deleteBlockChangesOf, deleteBlocksOf, deleteUnreadMentionsOf, forgetSettings } from '../store/forget-user.ts'
import { eraseConversation } from './erase-conversation.ts'
import type { Erasing } from './erasing.ts'
import { isEventOf } from './is-event-of.ts'

const CONVERSATIONS_AT_ONCE = 100

/** The place that a step has come to; undefined: it is through. */
type Advanced = ErasureCursor | undefined

/** Goes on from a place until time is up, and answers where it is then; whether all was gone through. */
export async function erasePart(
  erasing: Erasing,
  from: ErasureCursor,
): Promise<{ cursor: ErasureCursor; isWhole: boolean }> {
  let cursor = from
  for (;;) {
    const advanced = await steps[cursor.step](erasing, cursor)
    const found = cursor.found || Object.keys(erasing.counts).length > 0
    const next = advanced ?? nextErasureStep(cursor)
    if (next === undefined) return { cursor: { ...cursor, found }, isWhole: true }
    cursor = { ...next, found }
    if (erasing.pace.isOver) return { cursor, isWhole: false }
  }
}

const steps = { conversations: eraseConversations, relations: eraseRelations, events: eraseOwnEvents }

async function eraseConversations(erasing: Erasing, cursor: ErasureCursor): Promise<Advanced> {
  const { db, userId, pace } = erasing
  const page = await listErasing(db, { userId, after: cursor.after, limit: CONVERSATIONS_AT_ONCE })
  let { after } = cursor
  for (const conversation of page) {
    if (!(await eraseConversation(erasing, conversation))) return { ...cursor, after }
    after = conversation.id
    if (pace.isOver) return { ...cursor, after }
  }
  return page.length < CONVERSATIONS_AT_ONCE ? undefined : { ...cursor, after }
}

/** What they have to do with others, and their settings. */
async function eraseRelations(erasing: Erasing, cursor: ErasureCursor): Promise<Advanced> {
  const { db, userId, tellBlockChange } = erasing
  const blocks = await deleteBlocksOf(db, userId)
  for (const block of blocks) tellBlockChange(block)
  const mentions = await deleteUnreadMentionsOf(db, userId)
  const counts = { 'postgres.blocks': blocks.length, 'postgres.mentions': mentions }
  if (blocks.length + mentions > 0) {
    await erasing.done({ counts })
    return cursor
  }
  const blockChanges = await deleteBlockChangesOf(db, userId)
  const settings = await forgetSettings(db, userId)
  await erasing.done({ counts: { 'postgres.blockChanges': blockChanges, 'postgres.settings': settings } })
  return undefined
}

/** Those of conversations in which nothing has happened for long are too old already. */
async function eraseOwnEvents(erasing: Erasing, cursor: ErasureCursor): Promise<Advanced> {
  const { db, bus, userId, pace } = erasing
  const page = await listWithEvents(db, { userId, after: cursor.after, limit: CONVERSATIONS_AT_ONCE })
  let { after } = cursor
  for (const conversationId of page) {
    const part = await erasePartOfEvents(bus, messaging, {
      subject: `messaging.event.*.${conversationId}`,
      isOf: isEventOf(userId),
      after: cursor.events?.conversationId === conversationId ? cursor.events.after : 0,
      isEnough: () => pace.isOver,
    })
    await erasing.done({ counts: { 'jetstream.events': part.erased } })
    if (part.after !== null) return { ...cursor, after, events: { conversationId, after: part.after } }
    after = conversationId
    if (pace.isOver) return { ...cursor, after, events: null }
  }
  return page.length < CONVERSATIONS_AT_ONCE ? undefined : { ...cursor, after, events: null }
}
