import type { OperationName } from '@parley/protocol'

/** So many in so long a window. Windows begin at the same moment on all gateways: at multiples of their length since 1970. */
export interface Limit {
  readonly points: number
  readonly seconds: number
}

const per10Seconds = (points: number): Limit => ({ points, seconds: 10 })
const perMinute = (points: number): Limit => ({ points, seconds: 60 })
const perDay = (points: number): Limit => ({ points, seconds: 24 * 60 * 60 })

/**
 * Every limit, by what is limited and by whom it is counted. Addresses have room for a company of 20,000 behind one: they
 * renew a token each every 10 minutes, and all connect again within a minute when a gateway goes.
 */
export const defaultLimits = {
  send: { user: per10Seconds(50) },
  change: { user: per10Seconds(60) },
  typing: { user: per10Seconds(100) },
  mark: { user: per10Seconds(100) },
  read: { user: per10Seconds(200) },
  sync: { user: per10Seconds(20) },
  createConversation: { user: perMinute(30) },
  addMembers: { user: perMinute(60) },
  manage: { user: perMinute(60) },
  findUsers: { user: perMinute(60), userPerDay: perDay(1_000) },
  presence: { user: perMinute(60) },
  upload: { user: perMinute(60) },
  block: { user: perMinute(60) },
  renewToken: { user: perMinute(10) },
  ticket: { user: perMinute(60) },
  admin: { user: perMinute(120) },
  invocation: { connection: per10Seconds(200) },
  refusal: { connection: per10Seconds(1_000) },
  request: { address: per10Seconds(10_000) },
  connect: { address: perMinute(30_000) },
  signIn: { address: perMinute(6_000) },
  token: { address: perMinute(12_000), clientAtAddress: perMinute(6_000) },
} as const satisfies Record<string, Record<string, Limit>>

export type LimitName = keyof typeof defaultLimits

/** Those in force. Null: not limited. */
export type LimitTable = {
  readonly [Name in LimitName]: { readonly [By in keyof (typeof defaultLimits)[Name]]: Limit | null }
}

/** Nobody is slowed down who tries things out, while what limits do can still be seen. */
export const DEVELOPMENT_FACTOR = 100

/** Service accounts work for many people. Only what is counted by user and by connection is multiplied. */
export const SERVICE_ACCOUNT_FACTOR = 10

/** Names of those limits that count operations. */
export type OperationLimit = {
  [Name in LimitName]: (typeof defaultLimits)[Name] extends { user: Limit } ? Name : never
}[LimitName]

/** The limit that counts an operation. */
export const limitOf: { readonly [Name in OperationName]: OperationLimit } = {
  GetMe: 'read',
  UpdateProfile: 'manage',
  GetSettings: 'read',
  UpdateSettings: 'manage',
  FindUsers: 'findUsers',

  BlockUser: 'block',
  UnblockUser: 'block',
  ListBlockedUsers: 'read',
  ListDevices: 'read',
  RemoveDevice: 'manage',
  RemoveOtherDevices: 'manage',

  CreateConversation: 'createConversation',
  ListConversations: 'read',
  GetConversation: 'read',
  UpdateConversation: 'manage',
  MuteConversation: 'manage',
  ListMembers: 'read',
  AddMembers: 'addMembers',
  ChangeRole: 'manage',
  RemoveMember: 'manage',
  LeaveConversation: 'manage',

  SendMessage: 'send',
  GetMessages: 'read',
  EditMessage: 'change',
  DeleteMessage: 'change',
  ListEdits: 'read',
  AddReaction: 'change',
  RemoveReaction: 'change',
  MarkDelivered: 'mark',
  MarkRead: 'mark',
  MarkReceipts: 'mark',
  GetReceipts: 'read',
  Sync: 'sync',

  GetPresence: 'presence',
  WatchPresence: 'presence',
  UnwatchPresence: 'read',
  GetStatus: 'read',
  SetStatus: 'manage',

  StartTyping: 'typing',
  StopTyping: 'typing',

  ReserveUpload: 'upload',
  ReserveAvatar: 'upload',
  CompleteUpload: 'upload',
  GetUpload: 'read',
  DeleteUpload: 'upload',
  DownloadMedia: 'read',
  DownloadThumbnail: 'read',
  // Without a token it counts as a request of its address.
  DownloadAvatar: 'read',

  CreateConnectionTicket: 'ticket',
  RenewToken: 'renewToken',

  SignOutUser: 'admin',
  ListAuditEntries: 'admin',
  ListReconciliations: 'admin',
  ListRetentionPolicies: 'admin',
  PreviewRetentionPolicy: 'admin',
  SetRetentionPolicy: 'admin',
  ListHolds: 'admin',
  PlaceHold: 'admin',
  ReleaseHold: 'admin',
  ListRuns: 'admin',
  StartRun: 'admin',
  EraseUser: 'admin',
  GetErasure: 'admin',
  ExportUser: 'admin',
  GetExport: 'admin',
}

/**
 * How a limit is kept where that is not as usual.
 * - `exact`: Redis counts from the first one on, since each could be one too many: who may guess, or copy the directory.
 * - `closed`: nothing is let through that Redis has not counted.
 */
export const keptOtherwise: { readonly [Name in LimitName]?: 'exact' | 'closed' } = {
  findUsers: 'exact',
  signIn: 'closed',
  token: 'closed',
}
