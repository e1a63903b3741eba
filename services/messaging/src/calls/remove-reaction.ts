import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Reactions } from '../changes/gather-reactions.ts'

export function removeReaction({
  reactions,
}: {
  reactions: Reactions
}): Handler<(typeof messaging)['calls']['removeReaction']> {
  return ({ actor: { userId }, conversationId, messageId, emoji }) =>
    reactions.react(conversationId, { messageId, emoji, userId, wanted: false })
}
