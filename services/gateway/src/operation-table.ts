import type { Answer, CallContext } from '@parley/bus'
import type { Actor } from '@parley/contracts'
import type { operations, OperationName, OutputOf } from '@parley/protocol'
import type { z } from 'zod'
import type { Calls } from './calls-over.ts'
import type { ConnectionTickets } from './identity/connection-tickets.ts'
import { onHub, type ChatConnection } from './hub/chat-connection.ts'
import type { Identity } from './identity/identity.ts'
import type { GatheredMarks } from './receipts/gathered-marks.ts'
import type { Presence } from './presence/open-presence.ts'
import type { LiveSessions } from './sessions/live-sessions.ts'
import type { SendBatcher } from './send-batcher.ts'
import type { Typing } from './typing/open-typing.ts'

/** Those who answer. */
export interface Services extends Omit<Calls, 'presence'> {
  readonly sends: SendBatcher
  readonly marks: Pick<GatheredMarks, 'receive'>
  readonly typing: Pick<Typing, 'start' | 'stop' | 'said'>
  readonly presence: Pick<Presence, 'look' | 'watch' | 'unwatch' | 'getStatus' | 'setStatus'>
  readonly tickets: Pick<ConnectionTickets, 'issue'>
  readonly sessions: { readonly live: Pick<LiveSessions, 'renew'> }
}

/** Who asks, and from where. */
export interface Asker {
  readonly identity: Identity
  /** Of the page; programs that are not browsers have none. */
  readonly origin: string | undefined
  /** By which they ask; by REST there is none. */
  readonly connection: ChatConnection | undefined
}

type Operations = typeof operations

/** Asks the service that answers an operation. The input has been checked. */
export type Answerer<Name extends OperationName> = (
  services: Services,
  request: { actor: Actor } & z.output<Operations[Name]['input']>,
  within: CallContext,
  asker: Asker,
) => Promise<Answer<OutputOf<Operations[Name]>>>

/** Every operation and the service that answers it. REST, hub and documents come from this table and the declarations. */
export const operationTable: { readonly [Name in OperationName]: Answerer<Name> } = {
  GetMe: ({ auth }, request, within) => auth.getMe(request, within),
  UpdateProfile: ({ auth }, request, within) => auth.updateProfile(request, within),
  GetSettings: ({ messaging }, request, within) => messaging.getSettings(request, within),
  UpdateSettings: ({ messaging }, request, within) => messaging.updateSettings(request, within),
  FindUsers: ({ auth }, request, within) => auth.findUsers(request, within),

  BlockUser: ({ messaging }, request, within) => messaging.blockUser(request, within),
  UnblockUser: ({ messaging }, request, within) => messaging.unblockUser(request, within),
  ListBlockedUsers: ({ messaging }, request, within) => messaging.listBlockedUsers(request, within),
  ListDevices: ({ auth }, request, within) => auth.listDevices(request, within),
  RemoveDevice: ({ auth }, request, within) => auth.removeDevice(request, within),
  RemoveOtherDevices: ({ auth }, request, within) => auth.removeOtherDevices(request, within),

  CreateConversation: ({ messaging }, request, within) => messaging.createConversation(request, within),
  ListConversations: ({ messaging }, request, within) => messaging.listConversations(request, within),
  GetConversation: ({ messaging }, request, within) => messaging.getConversation(request, within),
  UpdateConversation: ({ messaging }, request, within) => messaging.updateConversation(request, within),
  MuteConversation: ({ messaging }, request, within) => messaging.muteConversation(request, within),
  ListMembers: ({ messaging }, request, within) => messaging.listMembers(request, within),
  AddMembers: ({ messaging }, request, within) => messaging.addMembers(request, within),
  ChangeRole: ({ messaging }, request, within) => messaging.changeRole(request, within),
  RemoveMember: ({ messaging }, request, within) => messaging.removeMember(request, within),
  LeaveConversation: ({ messaging }, request, within) => messaging.leaveConversation(request, within),

  SendMessage: async ({ sends, typing }, request, within) => {
    const answered = await sends.send(request, within)
    if (answered.ok) typing.said(request)
    return answered
  },
  GetMessages: ({ messaging }, request, within) => messaging.getMessages(request, within),

  EditMessage: ({ messaging }, request, within) => messaging.editMessage(request, within),
  DeleteMessage: ({ messaging }, request, within) => messaging.deleteMessage(request, within),
  ListEdits: ({ messaging }, request, within) => messaging.listEdits(request, within),
  AddReaction: ({ messaging }, request, within) => messaging.addReaction(request, within),
  RemoveReaction: ({ messaging }, request, within) => messaging.removeReaction(request, within),
  MarkDelivered: ({ marks }, { sequence, ...of }, within, { connection }) =>
    marks.receive({ ...of, deliveredSequence: sequence, readSequence: 0 }, { connection, within }),
  MarkRead: ({ marks }, { sequence, ...of }, within, { connection }) =>
    marks.receive({ ...of, deliveredSequence: 0, readSequence: sequence }, { connection, within }),
  MarkReceipts: ({ marks }, { deliveredSequence = 0, readSequence = 0, ...of }, within, { connection }) =>
    marks.receive({ ...of, deliveredSequence, readSequence }, { connection, within }),
  GetReceipts: ({ messaging }, request, within) => messaging.getReceipts(request, within),
  Sync: ({ messaging }, request, within) => messaging.sync(request, within),

  GetPresence: ({ presence }, request, within, { connection }) => presence.look(request, { connection, within }),
  WatchPresence: ({ presence }, request, within, { connection }) => presence.watch(request, { connection, within }),
  UnwatchPresence: ({ presence }, request, within, { connection }) => presence.unwatch(request, { connection, within }),
  GetStatus: ({ presence }, request, within) => presence.getStatus(request, within),
  SetStatus: ({ presence }, request, within, { connection }) => presence.setStatus(request, { connection, within }),

  StartTyping: ({ typing }, request, within, { connection }) => typing.start(request, { connection, within }),
  StopTyping: ({ typing }, request, within, { connection }) => typing.stop(request, { connection, within }),

  ReserveUpload: ({ media }, request, within) => media.reserveUpload(request, within),
  ReserveAvatar: ({ media }, request, within) => media.reserveAvatar(request, within),
  CompleteUpload: ({ media }, request, within) => media.completeUpload(request, within),
  GetUpload: ({ media }, request, within) => media.getUpload(request, within),
  DeleteUpload: ({ media }, request, within) => media.deleteUpload(request, within),
  DownloadMedia: ({ media }, request, within) => media.downloadMedia(request, within),
  DownloadThumbnail: ({ media }, request, within) => media.downloadThumbnail(request, within),
  DownloadAvatar: ({ media }, { id, size }, within) =>
    media.downloadAvatar({ id, ...(size !== undefined && { size }) }, within),

  CreateConnectionTicket: async ({ tickets }, _request, _within, { identity, origin }) => ({
    ok: true,
    value: tickets.issue(identity, origin),
  }),

  RenewToken: async ({ sessions }, { accessToken }, _within, { connection }) => ({
    ok: true,
    value: await sessions.live.renew(onHub(connection), accessToken),
  }),

  SignOutUser: ({ auth }, request, within) => auth.signOutUser(request, within),
  ListAuditEntries: ({ auth }, request, within) => auth.listAuditEntries(request, within),
  ListReconciliations: ({ media }, request, within) => media.listReconciliations(request, within),
  ListRetentionPolicies: ({ retention }, request, within) => retention.listRetentionPolicies(request, within),
  PreviewRetentionPolicy: ({ retention }, request, within) => retention.previewRetentionPolicy(request, within),
  SetRetentionPolicy: ({ retention }, request, within) => retention.setRetentionPolicy(request, within),
  ListHolds: ({ retention }, request, within) => retention.listHolds(request, within),
  PlaceHold: ({ retention }, request, within) => retention.placeHold(request, within),
  ReleaseHold: ({ retention }, request, within) => retention.releaseHold(request, within),
  ListRuns: ({ retention }, request, within) => retention.listRuns(request, within),
  StartRun: ({ retention }, request, within) => retention.startRun(request, within),
  EraseUser: ({ retention }, request, within) => retention.eraseUser(request, within),
  GetErasure: ({ retention }, request, within) => retention.getErasure(request, within),
  ExportUser: ({ retention }, request, within) => retention.exportUser(request, within),
  GetExport: ({ retention }, request, within) => retention.getExport(request, within),
}
