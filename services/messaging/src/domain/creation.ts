import { createHash } from 'node:crypto'
import type { ConversationKind, Role } from '@parley/protocol'

/** A conversation that is to begin. */
export interface Creation {
  readonly id: string
  readonly kind: ConversationKind
  readonly title: string | null
  readonly createdBy: string
  /** All of them, the creator first. */
  readonly members: readonly { readonly userId: string; readonly role: Role }[]
}

/** Nobody owns a direct conversation; a group belongs to its creator. */
export function membersOf(kind: ConversationKind, creatorId: string, otherIds: readonly string[]): Creation['members'] {
  const creatorRole = kind === 'group' ? 'owner' : 'member'
  return [{ userId: creatorId, role: creatorRole }, ...otherIds.map((userId) => ({ userId, role: 'member' as const }))]
}

/** The same for a retry: what was asked for, whatever has become of the conversation since. */
export function creationHash({ kind, title, members }: Pick<Creation, 'kind' | 'title' | 'members'>): Buffer {
  const userIds = members.map(({ userId }) => userId).toSorted()
  return createHash('sha256')
    .update(JSON.stringify([kind, title, userIds]))
    .digest()
}
