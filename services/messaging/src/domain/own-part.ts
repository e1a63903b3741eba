import type { Conversation, Member, Membership } from '@parley/protocol'

/** What a member's own part is made from, besides what everybody may know. */
export interface OwnPart extends Pick<Member, 'role' | 'deliveredSequence' | 'readSequence'> {
  readonly joinedSequence: number
  readonly mutedUntil: Date | null
  readonly mentionCount: number
  /** The first message that has not expired. */
  readonly firstKeptSequence: number
}

/** A conversation as one of its members gets it in answers and personal events: with `me`. */
export function withOwnPart(conversation: Conversation, own: OwnPart): Conversation {
  const { role, joinedSequence, readSequence, mentionCount } = own
  const me: Membership = {
    role,
    joinedSequence,
    deliveredSequence: Math.max(own.deliveredSequence, readSequence),
    readSequence,
    unreadCount: unreadCount(conversation.lastSequence, own),
    mentionCount,
    mutedUntil: own.mutedUntil?.toISOString() ?? null,
  }
  return { ...conversation, me }
}

/** Messages that a member has not read. What was said before they joined does not count, nor what has expired. */
function unreadCount(
  lastSequence: number,
  { readSequence, joinedSequence, firstKeptSequence }: Omit<OwnPart, 'role' | 'mutedUntil' | 'mentionCount'>,
): number {
  return Math.max(0, lastSequence - Math.max(readSequence, joinedSequence, firstKeptSequence - 1))
}
