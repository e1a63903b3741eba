import type { ConversationKind, Role } from '@parley/protocol'

/** Whether memberships can begin and end: a direct conversation has the same two members for ever. */
export const hasChangingMembers = (kind: ConversationKind): boolean => kind === 'group'

const adding: readonly Role[] = ['owner', 'admin']

/** Whom a member may remove, besides themselves. */
const removable: Readonly<Record<Role, readonly Role[]>> = {
  owner: ['owner', 'admin', 'member'],
  admin: ['member'],
  member: [],
}

export const mayAdd = (role: Role): boolean => adding.includes(role)

export const mayRemove = (role: Role, other: Role): boolean => removable[role].includes(other)

/** The last owner may leave only as the last member: a group with members always has an owner. */
export function mayLeave(role: Role, group: { owners: number; members: number }): boolean {
  return role !== 'owner' || group.owners > 1 || group.members === 1
}
