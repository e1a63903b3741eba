import type { Answer, CallContext, Callers } from '@parley/bus'
import type { Actor, auth, media, messaging, presence } from '@parley/contracts'
import type { operations, OperationName, OutputOf } from '@parley/protocol'
import type { z } from 'zod'
import type { ConnectionTickets } from './identity/connection-tickets.ts'
import type { Identity } from './identity/identity.ts'
import type { SendBatcher } from './send-batcher.ts'

/** Those who answer. */
export interface Services {
  readonly auth: Callers<typeof auth>
  readonly messaging: Callers<typeof messaging>
  readonly presence: Callers<typeof presence>
  readonly media: Callers<typeof media>
  readonly sends: SendBatcher
  readonly tickets: Pick<ConnectionTickets, 'issue'>
}

/** Who asks, and from where. */
export interface Asker {
  readonly identity: Identity
  /** Of the page; programs that are not browsers have none. */
  readonly origin: string | undefined
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
  FindUsers: ({ auth }, request, within) => auth.findUsers(request, within),

  CreateConversation: ({ messaging }, request, within) => messaging.createConversation(request, within),
  ListConversations: ({ messaging }, request, within) => messaging.listConversations(request, within),
  GetConversation: ({ messaging }, request, within) => messaging.getConversation(request, within),
  ListMembers: ({ messaging }, request, within) => messaging.listMembers(request, within),
  AddMembers: ({ messaging }, request, within) => messaging.addMembers(request, within),
  RemoveMember: ({ messaging }, request, within) => messaging.removeMember(request, within),
  LeaveConversation: ({ messaging }, request, within) => messaging.leaveConversation(request, within),

  SendMessage: ({ sends }, request, within) => sends.send(request, within),
  GetMessages: ({ messaging }, request, within) => messaging.getMessages(request, within),

  GetPresence: ({ presence }, request, within) => presence.getPresence(request, within),

  ReserveUpload: ({ media }, request, within) => media.reserveUpload(request, within),
  CompleteUpload: ({ media }, request, within) => media.completeUpload(request, within),
  DownloadMedia: ({ media }, request, within) => media.downloadMedia(request, within),

  CreateConnectionTicket: async ({ tickets }, _request, _within, { identity, origin }) => ({
    ok: true,
    value: tickets.issue(identity, origin),
  }),
}
