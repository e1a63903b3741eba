import type { ConversationKind, Role } from './objects.ts'

/** What a member may need to be allowed to do. Reading, marking and muting are everybody's. */
export type Action =
  | 'send'
  | 'react'
  | 'delete messages of others'
  | 'update'
  | 'add members'
  | 'remove members'
  | 'remove owners and admins'
  | 'change roles'
  | 'leave'

const everyone: readonly Role[] = ['owner', 'admin', 'member']
const managers: readonly Role[] = ['owner', 'admin']
const owners: readonly Role[] = ['owner']
const nobody: readonly Role[] = []

/** Who may do what: the whole of it. In direct conversations all are members, and in everything else alike. */
export const permissions: Readonly<Record<Action, Readonly<Record<ConversationKind, readonly Role[]>>>> = {
  send: { direct: everyone, group: everyone, channel: managers },
  react: { direct: everyone, group: everyone, channel: everyone },
  'delete messages of others': { direct: nobody, group: managers, channel: managers },
  update: { direct: nobody, group: managers, channel: managers },
  'add members': { direct: nobody, group: managers, channel: managers },
  'remove members': { direct: nobody, group: managers, channel: managers },
  'remove owners and admins': { direct: nobody, group: owners, channel: owners },
  'change roles': { direct: nobody, group: owners, channel: owners },
  leave: { direct: nobody, group: everyone, channel: everyone },
}

export const may = (action: Action, { kind, role }: { kind: ConversationKind; role: Role }): boolean =>
  permissions[action][kind].includes(role)
