import * as administration from './administration.ts'
import * as conversations from './conversations.ts'
import * as devices from './devices.ts'
import * as media from './media.ts'
import * as messages from './messages.ts'
import * as presence from './presence.ts'
import * as receipts from './receipts.ts'
import * as retention from './retention.ts'
import * as sessions from './sessions.ts'
import * as settings from './settings.ts'
import * as sync from './sync.ts'
import * as typing from './typing.ts'
import * as users from './users.ts'

/** Every operation of the public interface, by name. */
export const operations = {
  GetMe: users.GetMe,
  UpdateProfile: users.UpdateProfile,
  GetSettings: settings.GetSettings,
  UpdateSettings: settings.UpdateSettings,
  FindUsers: users.FindUsers,
  BlockUser: users.BlockUser,
  UnblockUser: users.UnblockUser,
  ListBlockedUsers: users.ListBlockedUsers,
  ListDevices: devices.ListDevices,
  RemoveDevice: devices.RemoveDevice,
  RemoveOtherDevices: devices.RemoveOtherDevices,
  CreateConversation: conversations.CreateConversation,
  ListConversations: conversations.ListConversations,
  GetConversation: conversations.GetConversation,
  UpdateConversation: conversations.UpdateConversation,
  MuteConversation: conversations.MuteConversation,
  ListMembers: conversations.ListMembers,
  AddMembers: conversations.AddMembers,
  ChangeRole: conversations.ChangeRole,
  LeaveConversation: conversations.LeaveConversation,
  RemoveMember: conversations.RemoveMember,
  SendMessage: messages.SendMessage,
  GetMessages: messages.GetMessages,
  EditMessage: messages.EditMessage,
  DeleteMessage: messages.DeleteMessage,
  ListEdits: messages.ListEdits,
  AddReaction: messages.AddReaction,
  RemoveReaction: messages.RemoveReaction,
  MarkDelivered: receipts.MarkDelivered,
  MarkRead: receipts.MarkRead,
  MarkReceipts: receipts.MarkReceipts,
  GetReceipts: receipts.GetReceipts,
  Sync: sync.Sync,
  GetPresence: presence.GetPresence,
  WatchPresence: presence.WatchPresence,
  UnwatchPresence: presence.UnwatchPresence,
  GetStatus: presence.GetStatus,
  SetStatus: presence.SetStatus,
  StartTyping: typing.StartTyping,
  StopTyping: typing.StopTyping,
  ReserveUpload: media.ReserveUpload,
  ReserveAvatar: media.ReserveAvatar,
  CompleteUpload: media.CompleteUpload,
  GetUpload: media.GetUpload,
  DeleteUpload: media.DeleteUpload,
  DownloadMedia: media.DownloadMedia,
  DownloadThumbnail: media.DownloadThumbnail,
  DownloadAvatar: media.DownloadAvatar,
  CreateConnectionTicket: sessions.CreateConnectionTicket,
  RenewToken: sessions.RenewToken,
  SignOutUser: administration.SignOutUser,
  ListAuditEntries: administration.ListAuditEntries,
  ListReconciliations: administration.ListReconciliations,
  ListRetentionPolicies: retention.ListRetentionPolicies,
  PreviewRetentionPolicy: retention.PreviewRetentionPolicy,
  SetRetentionPolicy: retention.SetRetentionPolicy,
  ListHolds: retention.ListHolds,
  PlaceHold: retention.PlaceHold,
  ReleaseHold: retention.ReleaseHold,
  ListRuns: retention.ListRuns,
  StartRun: retention.StartRun,
  EraseUser: retention.EraseUser,
  GetErasure: retention.GetErasure,
  ExportUser: retention.ExportUser,
  GetExport: retention.GetExport,
}

export type OperationName = keyof typeof operations
