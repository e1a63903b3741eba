import { lookAtMessages, noteErased, type ErasingConversation } from '../store/erasures.ts'
import { forgetMute } from '../store/forget-user.ts'
import { endOwnMembership } from './end-own-membership.ts'
import { eraseMessages } from './erase-messages.ts'
import type { Erasing } from './erasing.ts'

const LOOKED_AT = 2_000
/** Under the conversation's lock, for which others wait. */
const ERASED_AT_ONCE = 50

/** What is left of the user in one conversation. False when time is up before all is done. */
export async function eraseConversation(erasing: Erasing, conversation: ErasingConversation): Promise<boolean> {
  const { db, userId } = erasing
  if (!(await eraseMessagesOf(erasing, conversation))) return false
  if (conversation.isMember && conversation.kind !== 'direct') await endOwnMembership(erasing, conversation.id)
  if (conversation.isMuted) {
    const mutes = await forgetMute(db, { conversationId: conversation.id, userId })
    await erasing.done({ counts: { 'postgres.mutes': mutes } })
  }
  return true
}

/**
 * By the versions of the last changes, and it is noted how far: what is said or reacted to meanwhile comes after that, and the
 * next time only what has changed since is looked at.
 */
async function eraseMessagesOf(
  erasing: Erasing,
  { id: conversationId, version, erasedVersion }: ErasingConversation,
): Promise<boolean> {
  const { db, changesDb, turns, pace, userId } = erasing
  const own = { conversationId, userId }
  for (let after = erasedVersion; after < version;) {
    const looked = await lookAtMessages(db, { ...own, after, limit: LOOKED_AT })
    const theirs = looked.filter(({ isOwn, hasReacted }) => isOwn || hasReacted)
    for (let start = 0; start < theirs.length; start += ERASED_AT_ONCE) {
      if (pace.isOver) return false
      const some = theirs.slice(start, start + ERASED_AT_ONCE)
      const ids = some.map(({ id }) => id)
      const erased = await turns.inTurn(conversationId, () => eraseMessages(changesDb, { ...own, ids }))
      await noteErased(db, own, some.at(-1)!.version)
      const { messages, reactions, told } = erased
      await erasing.done({ counts: { 'postgres.messages': messages, 'postgres.reactions': reactions }, told })
    }
    after = looked.length < LOOKED_AT ? version : looked.at(-1)!.version
    await noteErased(db, own, after)
    if (pace.isOver) return after >= version
  }
  return true
}
