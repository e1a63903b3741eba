import * as conversations from './conversations.ts'
import * as media from './media.ts'
import * as messages from './messages.ts'
import * as presence from './presence.ts'
import * as sessions from './sessions.ts'
import * as users from './users.ts'

/** Every operation of the public interface, by name. */
export const operations = {
  GetMe: users.GetMe,
  UpdateProfile: users.UpdateProfile,
  FindUsers: users.FindUsers,
  CreateConversation: conversations.CreateConversation,
  ListConversations: conversations.ListConversations,
  GetConversation: conversations.GetConversation,
  ListMembers: conversations.ListMembers,
  AddMembers: conversations.AddMembers,
  LeaveConversation: conversations.LeaveConversation,
  RemoveMember: conversations.RemoveMember,
  SendMessage: messages.SendMessage,
  GetMessages: messages.GetMessages,
  GetPresence: presence.GetPresence,
  ReserveUpload: media.ReserveUpload,
  CompleteUpload: media.CompleteUpload,
  DownloadMedia: media.DownloadMedia,
  CreateConnectionTicket: sessions.CreateConnectionTicket,
}

export type OperationName = keyof typeof operations
