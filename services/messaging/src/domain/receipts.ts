import type { Conversation, Receipt } from '@parley/protocol'
import { tellsReceipts } from './capabilities.ts'

/** How far a user says to have got in a conversation. Nothing is delivered later than it is read. */
export interface Mark extends Receipt {
  readonly conversationId: string
  /** The connection that says so. */
  readonly connectionId: string | null
}

export function markOf(said: Omit<Mark, 'connectionId'> & { connectionId?: string | undefined }): Mark {
  const { userId, conversationId, readSequence, connectionId = null } = said
  return {
    userId,
    conversationId,
    deliveredSequence: Math.max(said.deliveredSequence, readSequence),
    readSequence,
    connectionId,
  }
}

/** Two marks of one user in one conversation as one. It is of a connection only where that one has said all of it. */
export function together(one: Mark, other: Mark): Mark {
  if (saysAllOf(one, other)) return one
  if (saysAllOf(other, one)) return other
  return {
    ...one,
    deliveredSequence: Math.max(one.deliveredSequence, other.deliveredSequence),
    readSequence: Math.max(one.readSequence, other.readSequence),
    connectionId: null,
  }
}

const saysAllOf = (one: Mark, other: Mark): boolean =>
  one.deliveredSequence >= other.deliveredSequence && one.readSequence >= other.readSequence

/** How long a gateway may gather a user's marks in a conversation before it passes them on. */
export interface MarkGathering {
  readonly gatherReadMs: number
  readonly gatherDeliveredMs: number
}

const ofDirect: MarkGathering = { gatherReadMs: 0, gatherDeliveredMs: 1_000 }
const ofGroup: MarkGathering = { gatherReadMs: 500, gatherDeliveredMs: 30_000 }
const ofCounted: MarkGathering = { gatherReadMs: 5_000, gatherDeliveredMs: 30_000 }

export function markGatheringOf(size: Pick<Conversation, 'kind' | 'memberCount'>): MarkGathering {
  if (size.kind === 'direct') return ofDirect
  return tellsReceipts(size) ? ofGroup : ofCounted
}

/**
 * How long gateways gather what they tell the members of a group: a second, and longer the more members there are, so that
 * a conversation makes at most 34 events a second, whatever its size. In direct conversations they tell at once; in channels,
 * and where there are more members than are told, they do not tell at all.
 */
export const advanceGathering = { leastMs: 1_000, msPerMember: 30 } as const
