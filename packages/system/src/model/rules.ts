import type { ConversationKind, Role } from '@parley/protocol'

/** Of the table of permissions, the roles that may in a group; what is different elsewhere is said below. */
const inGroups = {
  send: ['owner', 'admin', 'member'],
  'delete messages of others': ['owner', 'admin'],
  update: ['owner', 'admin'],
  'add members': ['owner', 'admin'],
  'remove members': ['owner', 'admin'],
  'remove owners and admins': ['owner'],
  'change roles': ['owner'],
  leave: ['owner', 'admin', 'member'],
} satisfies Record<string, readonly Role[]>

export type Action = keyof typeof inGroups

/** As it is written in the README of `messaging`, and not as `messaging` does it. */
export function may(action: Action, { kind, role }: { kind: ConversationKind; role: Role }): boolean {
  if (kind === 'direct') return action === 'send'
  if (kind === 'channel' && action === 'send') return role !== 'member'
  const roles: readonly Role[] = inGroups[action]
  return roles.includes(role)
}
