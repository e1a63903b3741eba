import { deleteExpired, deleteReads, type Leftover } from '../store/expired-messages.ts'
import type { Expiring } from '../store/expiring.ts'
import { findOldest, moveKeptFrom, raiseFirstKept } from '../store/watermarks.ts'
import type { Expiry } from './expiring.ts'

/** `done`, or how far it came: time is up, or somebody else has something of it. */
export type Expired = 'done' | 'more' | 'busy'

/** Somebody who writes in a conversation has it for some milliseconds. */
const ATTEMPTS = 5

/**
 * Tells what has expired in the conversations, deletes it, and at last notes that it is gone: whatever interrupts it, the next
 * time goes on.
 */
export async function expireConversations(expiry: Expiry, conversations: readonly Expiring[]): Promise<Expired> {
  const { db, retention, leaveDefaultToMonths } = expiry
  const looked = conversations.filter(mayHoldExpired)
  if (looked.length === 0) return 'done'
  const { firstKept, isBusy } = await raise(expiry, looked)
  const firstOf = ({ id, firstKeptSequence }: Expiring) => firstKept.get(id) ?? firstKeptSequence
  const isLeft = ({ kind, messageDays }: Expiring) =>
    leaveDefaultToMonths && messageDays === null && retention.rules[kind].messageDays === null

  const clearing = looked.filter((conversation) => !isLeft(conversation))
  const leftovers = clearing.map((one) => ({ ...one, firstKeptSequence: firstOf(one) }))
  if (!(await clear(expiry, leftovers))) return 'more'

  const oldest = await findOldest(db, new Map(looked.map((one) => [one.id, isLeft(one) ? firstOf(one) : 0])))
  const keptFrom = new Map(
    looked.map((one) => [one.id, oldest.get(one.id)?.createdAt ?? retention.keptSince(one)] as const),
  )
  if (!(await clearReads(expiry, new Map(clearing.map(({ id }) => [id, keptFrom.get(id)!]))))) return 'more'
  await moveKeptFrom(db, keptFrom, 'kept_from')
  // What another instance has begun to delete is not gone before it is done.
  const isUnfinished = leftovers.some(
    ({ id, firstKeptSequence }) => (oldest.get(id)?.sequence ?? Infinity) < firstKeptSequence,
  )
  return isBusy || isUnfinished ? 'busy' : 'done'
}

/** Not where all that was ever said or read is known to be gone. */
function mayHoldExpired({ keptFrom, createdAt, lastMessageAt, raisedAt }: Expiring): boolean {
  const from = keptFrom ?? createdAt
  return (lastMessageAt !== null && lastMessageAt >= from) || (raisedAt !== null && raisedAt >= from)
}

async function raise(
  expiry: Expiry,
  conversations: readonly Expiring[],
): Promise<{ firstKept: ReadonlyMap<string, number>; isBusy: boolean }> {
  const firstKept = new Map<string, number>()
  let left = conversations
  for (let attempt = 0; attempt < ATTEMPTS && left.length > 0; attempt++) {
    const raised = await raiseFirstKept(expiry.db, expiry.retention, left)
    for (const [id, first] of raised.firstKept) firstKept.set(id, first)
    await expiry.done({ counts: { 'postgres.conversations': raised.firstKept.size }, told: raised.told })
    left = left.filter(({ id }) => raised.busy.includes(id))
  }
  return { firstKept, isBusy: left.length > 0 }
}

/** False when time is up before all is deleted. */
async function clear(expiry: Expiry, conversations: readonly Leftover[]): Promise<boolean> {
  const leftovers = conversations.filter(({ firstKeptSequence }) => firstKeptSequence > 1)
  while (leftovers.length > 0) {
    const deleted = await deleteExpired(expiry.db, leftovers)
    if (deleted.messages === 0) break
    const { told, messages, edits, reactions, mentions, held, files } = deleted
    const counts = {
      'postgres.messages': messages,
      'postgres.edits': edits,
      'postgres.reactions': reactions,
      'postgres.mentions': mentions,
      'postgres.held': held,
      files,
    }
    await expiry.done({ counts, told })
    if (expiry.pace.isOver) return false
  }
  return true
}

/** The same for the read log. */
async function clearReads(expiry: Expiry, before: ReadonlyMap<string, Date>): Promise<boolean> {
  while (before.size > 0) {
    const reads = await deleteReads(expiry.db, before)
    if (reads === 0) break
    await expiry.done({ counts: { 'postgres.reads': reads }, told: undefined })
    if (expiry.pace.isOver) return false
  }
  return true
}
