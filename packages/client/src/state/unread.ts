import type { Conversation, Membership, Message } from '@parley/protocol'
import type { Counted } from './chat-state.ts'
import { indexFrom } from './messages.ts'

export const nothingCounted: Counted = { floor: 0, lastSequence: 0, mentionCount: 0 }

/** What the server has counted for the user; of two countings, the later. */
export function countedAfter(counted: Counted, { lastSequence, me }: Conversation): Counted {
  if (me === undefined) return counted
  const floor = lastSequence - me.unreadCount
  const isLater =
    lastSequence > counted.lastSequence || (lastSequence === counted.lastSequence && floor >= counted.floor)
  return isLater
    ? { floor: Math.max(floor, counted.floor), lastSequence, mentionCount: me.mentionCount }
    : { ...counted, floor: Math.max(floor, counted.floor) }
}

/**
 * The unread messages, from what was last counted and what has been told and read since. The number of messages is exact
 * but for those that have expired since the first kept one was last told. That of mentions is exact where all unread messages are here; otherwise it trusts the
 * last counting for what is not, so an edit of such a message shows only at the next one.
 */
export function unreadCounts(
  {
    me,
    lastSequence,
    firstKeptSequence,
  }: { me: Pick<Membership, 'joinedSequence' | 'readSequence'> } & Pick<
    Conversation,
    'lastSequence' | 'firstKeptSequence'
  >,
  { messages, counted, userId }: { messages: readonly Message[]; counted: Counted; userId: string | undefined },
): Pick<Membership, 'unreadCount' | 'mentionCount'> {
  const floor = Math.max(counted.floor, me.joinedSequence, me.readSequence, firstKeptSequence - 1)
  const unreadCount = Math.max(0, lastSequence - floor)
  const unread = messages.slice(indexFrom(messages, floor + 1))
  const mentions = mentionsIn(unread, userId)
  if (unread.length >= unreadCount) return { unreadCount, mentionCount: mentions }
  const readSince = messages.slice(indexFrom(messages, counted.floor + 1), indexFrom(messages, floor + 1))
  const toldSince = messages.slice(indexFrom(messages, Math.max(counted.lastSequence, floor) + 1))
  const guess = Math.max(0, counted.mentionCount - mentionsIn(readSince, userId)) + mentionsIn(toldSince, userId)
  return { unreadCount, mentionCount: Math.min(unreadCount, Math.max(mentions, guess)) }
}

function mentionsIn(messages: readonly Message[], userId: string | undefined): number {
  if (userId === undefined) return 0
  return messages.reduce((count, { mentions }) => (mentions.includes(userId) ? count + 1 : count), 0)
}
