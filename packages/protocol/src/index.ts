export { access, isForAnyone, mayAsk, type Access, type Scope, type Standing } from './access.ts'
export { hubEvents, type HubEvent, type HubEventName } from './hub-events.ts'
export { ConversationId, Counter, Emoji, MessageId, Time, UploadId, UserId } from './ids.ts'
export { limits } from './limits.ts'
export {
  Attachment,
  AuditEntry,
  Capabilities,
  Conversation,
  ConversationKind,
  Device,
  type Findings,
  HistoryVisibility,
  Member,
  Membership,
  Message,
  PresenceState,
  Reaction,
  Receipt,
  RejectedReason,
  Role,
  Settings,
  Status,
  Upload,
  UploadState,
  User,
  VisibleTo,
} from './objects.ts'
export { alwaysPossible, operation, type InputOf, type Operation, type OutputOf, type Route } from './operation.ts'
export * from './operations/administration.ts'
export * from './operations/conversations.ts'
export * from './operations/devices.ts'
export * from './operations/media.ts'
export * from './operations/messages.ts'
export * from './operations/presence.ts'
export * from './operations/receipts.ts'
export * from './operations/retention.ts'
export * from './operations/sessions.ts'
export * from './operations/settings.ts'
export * from './operations/sync.ts'
export * from './operations/typing.ts'
export * from './operations/users.ts'
export { operations, type OperationName } from './operations/index.ts'
export { may, permissions, type Action } from './permissions.ts'
export { refusals, type Refusal, type RefusalCode, type RefusalData } from './refusals.ts'
export { line, text } from './text.ts'
