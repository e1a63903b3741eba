import type { OperationName } from './operations/index.ts'
import type { Action } from './permissions.ts'

/** What a token lets its bearer do. People may chat by being signed in; service accounts may what they were given. */
export type Scope = 'chat:read' | 'chat:write' | 'admin'

/**
 * How the caller must stand to what the operation names. Who does not is answered as if it did not exist.
 * - `none`: the operation is about the caller, or about what everybody who is signed in may know
 * - `member`: of the conversation
 * - `author`: of the message
 * - `owner`: of the device or the upload
 * - `reader`: of the message that the file is part of; before it is part of one, its uploader
 */
export type Standing = 'none' | 'member' | 'author' | 'owner' | 'reader'

export interface Access {
  /**
   * Of a service account. `any`: also without a scope; `person`: not for service accounts. `admin` is needed by people, too.
   * `anyone`: also without a token.
   */
  readonly scope: Scope | 'any' | 'person' | 'anyone'
  readonly standing: Standing
  /** What the member's role must allow besides (`permissions`). Of an author: what their role may allow instead. */
  readonly action?: Action
}

const own: Access = { scope: 'person', standing: 'none' }
const administrative: Access = { scope: 'admin', standing: 'none' }
const read = (standing: Standing): Access => ({ scope: 'chat:read', standing })
const write = (standing: Standing, action?: Action): Access => ({
  scope: 'chat:write',
  standing,
  ...(action === undefined ? {} : { action }),
})

/** Who may ask for what. What is not in here, nobody may. */
export const access: Readonly<Record<OperationName, Access>> = {
  GetMe: { scope: 'any', standing: 'none' },
  UpdateProfile: write('none'),
  GetSettings: own,
  UpdateSettings: own,
  FindUsers: read('none'),
  BlockUser: own,
  UnblockUser: own,
  ListBlockedUsers: own,
  ListDevices: own,
  RemoveDevice: { scope: 'person', standing: 'owner' },
  RemoveOtherDevices: own,

  CreateConversation: write('none'),
  ListConversations: read('none'),
  GetConversation: read('member'),
  UpdateConversation: write('member', 'update'),
  MuteConversation: write('member'),
  ListMembers: read('member'),
  AddMembers: write('member', 'add members'),
  ChangeRole: write('member', 'change roles'),
  LeaveConversation: write('member', 'leave'),
  RemoveMember: write('member', 'remove members'),

  SendMessage: write('member', 'send'),
  GetMessages: read('member'),
  EditMessage: write('author'),
  DeleteMessage: write('author', 'delete messages of others'),
  ListEdits: read('member'),
  AddReaction: write('member', 'react'),
  RemoveReaction: write('member', 'react'),
  MarkDelivered: write('member'),
  MarkRead: write('member'),
  MarkReceipts: write('member'),
  GetReceipts: read('member'),
  Sync: read('none'),

  GetPresence: read('none'),
  WatchPresence: read('none'),
  UnwatchPresence: read('none'),
  GetStatus: read('none'),
  SetStatus: write('none'),
  StartTyping: write('member', 'send'),
  StopTyping: write('member'),

  ReserveUpload: write('member', 'send'),
  ReserveAvatar: write('none'),
  CompleteUpload: write('owner'),
  GetUpload: write('owner'),
  DeleteUpload: write('owner'),
  DownloadMedia: read('reader'),
  DownloadThumbnail: read('reader'),
  DownloadAvatar: { scope: 'anyone', standing: 'none' },

  CreateConnectionTicket: read('none'),
  RenewToken: { scope: 'any', standing: 'none' },
  SignOutUser: administrative,
  ListReconciliations: administrative,
  ListAuditEntries: administrative,
  ListRetentionPolicies: administrative,
  PreviewRetentionPolicy: administrative,
  SetRetentionPolicy: administrative,
  ListHolds: administrative,
  PlaceHold: administrative,
  ReleaseHold: administrative,
  ListRuns: administrative,
  StartRun: administrative,
  EraseUser: administrative,
  GetErasure: administrative,
  ExportUser: administrative,
  GetExport: administrative,
}

/** Whether it is asked for without a token. */
export const isForAnyone = (name: OperationName): boolean => access[name].scope === 'anyone'

/** Whether a bearer may ask for an operation at all. To what they may do it, the services say. */
export function mayAsk(
  bearer: { readonly isService: boolean; readonly scopes: readonly string[] },
  name: OperationName,
): boolean {
  const { scope } = access[name]
  if (scope === 'admin') return bearer.scopes.includes('admin')
  if (!bearer.isService || scope === 'any' || scope === 'anyone') return true
  return scope !== 'person' && bearer.scopes.includes(scope)
}
