import { createHash } from 'node:crypto'
import type { ConversationKind, HistoryVisibility, Role } from '@parley/protocol'

/** A conversation that is to begin. */
export interface Creation {
  readonly id: string
  readonly kind: ConversationKind
  readonly title: string | null
  readonly historyVisibility: HistoryVisibility
  readonly createdBy: string
  /** All of them, the creator first. */
  readonly members: readonly { readonly userId: string; readonly role: Role }[]
}

/** Nobody owns a direct conversation; everything else belongs to its creator. */
export function membersOf(kind: ConversationKind, creatorId: string, otherIds: readonly string[]): Creation['members'] {
  const creatorRole = kind === 'direct' ? 'member' : 'owner'
  return [{ userId: creatorId, role: creatorRole }, ...otherIds.map((userId) => ({ userId, role: 'member' as const }))]
}

/** What those who join a channel see is mostly what it is for; what was said in a group is of those who were there. */
export const defaultVisibility = (kind: ConversationKind): HistoryVisibility => (kind === 'channel' ? 'all' : 'joined')

/** The same for a retry: what was asked for, whatever has become of the conversation since. */
export function creationHash(creation: Pick<Creation, 'kind' | 'title' | 'historyVisibility' | 'members'>): Buffer {
  const { kind, title, historyVisibility, members } = creation
  const userIds = members.map(({ userId }) => userId).toSorted()
  const besides = historyVisibility === defaultVisibility(kind) ? [] : [historyVisibility]
  return createHash('sha256')
    .update(JSON.stringify([kind, title, userIds, ...besides]))
    .digest()
}
