import type { Conversation, Member, Membership } from '@parley/protocol'

/** A conversation as one of its members gets it in answers and personal events: with `me`. */
export function withOwnPart(
  conversation: Conversation,
  member: Pick<Member, 'role' | 'deliveredSequence' | 'readSequence'> & { readonly joinedSequence: number },
): Conversation {
  const { role, joinedSequence, deliveredSequence, readSequence } = member
  const { lastSequence } = conversation
  const me: Membership = {
    role,
    joinedSequence,
    deliveredSequence,
    readSequence,
    unreadCount: unreadCount({ lastSequence, readSequence, joinedSequence }),
    mutedUntil: null,
  }
  return { ...conversation, me }
}

/** Messages that a member has not read. What was said before they joined does not count. */
function unreadCount(position: { lastSequence: number; readSequence: number; joinedSequence: number }): number {
  return position.lastSequence - Math.max(position.readSequence, position.joinedSequence)
}
