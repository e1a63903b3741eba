export { Actor } from './actor.ts'
export { Announcement } from './announcement.ts'
export { auth } from './auth.ts'
export { BlockChange } from './block-change.ts'
export { ConnectionsToClose } from './connections-to-close.ts'
export {
  call,
  contract,
  event,
  notice,
  subjectOf,
  type Call,
  type Contract,
  type ErrorsOf,
  type Event,
  type Notice,
  type PayloadOf,
  type ReplyOf,
  type RequestOf,
} from './contract.ts'
export { decodeDeliveryBatch, encodeDeliveryBatch, type Delivery, type DeliveryBatch } from './delivery-batch.ts'
export { gateway } from './gateway.ts'
export { AvatarOwner, avatarPath, COMPLETE_WAIT_MS, media, SettledNotice, uploadIdOfAvatar } from './media.ts'
export { MembershipSpan, messaging, TopicChange } from './messaging.ts'
export { Counts, ErasePart, ExportPart, Finding, FindRemains } from './personal-data.ts'
export { presence, PresenceNotice, UserPresence } from './presence.ts'
export { ReceiptsDelivery } from './receipts-delivery.ts'
export { MAX_EXTERNAL_TOKEN_HOURS, Revocation, RevocationNotice } from './revocation.ts'
export { Refused, refuse } from './refused.ts'
export { RefusalOf } from './refusal-of.ts'
export { retention } from './retention.ts'
export { RetentionRules, type RetentionPeriods } from './retention-rules.ts'
export { conversationTopic, isUserTopic, Topic, userTopic } from './topic.ts'
export { TypingNotice } from './typing-notice.ts'
