import { limits, type Reaction } from '@parley/protocol'

export interface ReactionChange {
  readonly emoji: string
  readonly userId: string
}

/**
 * What is told of a message's reactions after some were added and taken back. All who reacted are named while that is few;
 * beyond, the first of each emoji, and those who take theirs back are not replaced.
 */
export function reactionsAfter(
  before: readonly Reaction[],
  changes: { added: readonly ReactionChange[]; removed: readonly ReactionChange[] },
  memberCount: number,
): Reaction[] {
  const byEmoji = new Map(before.map(({ emoji, count, userIds }) => [emoji, { count, userIds: [...userIds] }]))
  for (const { emoji, userId } of changes.removed) {
    const reaction = byEmoji.get(emoji)
    if (reaction === undefined) continue
    reaction.count -= 1
    reaction.userIds = reaction.userIds.filter((id) => id !== userId)
    if (reaction.count === 0) byEmoji.delete(emoji)
  }
  for (const { emoji, userId } of changes.added) {
    const reaction = byEmoji.get(emoji) ?? { count: 0, userIds: [] }
    reaction.count += 1
    reaction.userIds.push(userId)
    byEmoji.set(emoji, reaction)
  }
  const after = [...byEmoji].map(([emoji, { count, userIds }]) => ({ emoji, count, userIds }))
  const named = namesAll(after, memberCount) ? Infinity : limits.namedReactionsBeyond
  return after.map((reaction) => ({ ...reaction, userIds: reaction.userIds.slice(0, named) }))
}

/** Whether all who reacted are to be named. */
export function namesAll(reactions: readonly Reaction[], memberCount: number): boolean {
  const total = reactions.reduce((sum, { count }) => sum + count, 0)
  return total <= limits.namedReactions && memberCount <= limits.toldMembers
}

/** Whether somebody is not named. */
export const isAbridged = (reactions: readonly Reaction[]): boolean =>
  reactions.some(({ count, userIds }) => userIds.length < count)
