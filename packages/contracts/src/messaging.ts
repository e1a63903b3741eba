import {
  AddMembers,
  AddReaction,
  BlockUser,
  ChangeRole,
  Conversation,
  ConversationId,
  ConversationKind,
  Counter,
  CreateConversation,
  DeleteMessage,
  EditMessage,
  GetConversation,
  GetMessages,
  GetReceipts,
  GetSettings,
  LeaveConversation,
  ListBlockedUsers,
  ListConversations,
  ListEdits,
  ListMembers,
  Member,
  Message,
  MessageId,
  MuteConversation,
  PolicyEffect,
  Receipt,
  RemoveMember,
  RemoveReaction,
  SendMessage,
  SentMessage,
  StartTyping,
  Sync,
  Time,
  UnblockUser,
  UpdateConversation,
  UpdateSettings,
  UploadId,
  UserId,
  hubEvents,
  limits,
  type HubEventName,
} from '@parley/protocol'
import { z } from 'zod'
import { Actor } from './actor.ts'
import { BlockChange } from './block-change.ts'
import { call, contract, event, notice } from './contract.ts'
import { Counts, ErasePart, ExportPart, FindRemains } from './personal-data.ts'
import { ReceiptsDelivery } from './receipts-delivery.ts'
import { RefusalOf } from './refusal-of.ts'
import { RetentionRules } from './retention-rules.ts'
import { Topic } from './topic.ts'

const actor = { actor: Actor }

const RetentionDays = z.int().min(limits.leastRetentionDays).max(limits.mostRetentionDays)

/** Which part of a conversation is a user's own. */
export const MembershipSpan = z.object({
  conversationId: ConversationId,
  /** The first version that is theirs. */
  joinedVersion: Counter,
  /** The last version that is theirs: the one that took them out. Null while they are a member. */
  leftVersion: Counter.nullable(),
  /** The first message that is theirs to see, and so are its changes. */
  visibleFromSequence: Counter,
})
export type MembershipSpan = z.infer<typeof MembershipSpan>

/** One change of a topic as clients are told it. Changes of one topic are delivered in the order of `version`. */
export const TopicChange = z.object({
  version: Counter,
  /** Where one change stands for several versions, the version before the first of them; else the one before `version`. */
  afterVersion: Counter.optional(),
  event: z.enum(Object.keys(hubEvents) as [HubEventName, ...HubEventName[]]),
  argument: z.unknown(),
  /** On a conversation's topic: of the message that this is about. Who may not see the message is not told. */
  sequence: Counter.optional(),
  /** On a conversation's topic: the user for whom this is the last change. */
  left: UserId.optional(),
  /** On a user's topic: the membership that began or ended. */
  membership: MembershipSpan.optional(),
})
export type TopicChange = z.infer<typeof TopicChange>

/** What was said. */
export const messaging = contract({
  service: 'messaging',
  calls: {
    createConversation: call({
      subject: 'messaging.call.create-conversation',
      request: z.object({ ...actor, ...CreateConversation.input.shape }),
      reply: CreateConversation.output,
      errors: [...CreateConversation.errors, 'invalid_input', 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    listConversations: call({
      subject: 'messaging.call.list-conversations',
      request: z.object({ ...actor, ...ListConversations.input.shape }),
      reply: ListConversations.output,
      errors: [...ListConversations.errors, 'invalid_input'],
      timeoutMs: 2_000,
    }),
    getConversation: call({
      subject: 'messaging.call.get-conversation',
      request: z.object({ ...actor, ...GetConversation.input.shape }),
      reply: GetConversation.output,
      errors: GetConversation.errors,
      timeoutMs: 2_000,
    }),
    updateConversation: call({
      subject: 'messaging.call.update-conversation',
      request: z.object({ ...actor, ...UpdateConversation.input.shape }),
      reply: UpdateConversation.output,
      errors: [...UpdateConversation.errors, 'invalid_input', 'overloaded', 'unavailable'],
      timeoutMs: 6_000,
    }),
    muteConversation: call({
      subject: 'messaging.call.mute-conversation',
      request: z.object({ ...actor, ...MuteConversation.input.shape }),
      reply: MuteConversation.output,
      errors: [...MuteConversation.errors, 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    listMembers: call({
      subject: 'messaging.call.list-members',
      request: z.object({ ...actor, ...ListMembers.input.shape }),
      reply: ListMembers.output,
      errors: [...ListMembers.errors, 'invalid_input'],
      timeoutMs: 2_000,
    }),
    addMembers: call({
      subject: 'messaging.call.add-members',
      request: z.object({ ...actor, ...AddMembers.input.shape }),
      reply: AddMembers.output,
      errors: [...AddMembers.errors, 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    changeRole: call({
      subject: 'messaging.call.change-role',
      request: z.object({ ...actor, ...ChangeRole.input.shape }),
      reply: ChangeRole.output,
      errors: [...ChangeRole.errors, 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    removeMember: call({
      subject: 'messaging.call.remove-member',
      request: z.object({ ...actor, ...RemoveMember.input.shape }),
      reply: RemoveMember.output,
      errors: [...RemoveMember.errors, 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    leaveConversation: call({
      subject: 'messaging.call.leave-conversation',
      request: z.object({ ...actor, ...LeaveConversation.input.shape }),
      reply: LeaveConversation.output,
      errors: [...LeaveConversation.errors, 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    /**
     * Sends of several connections that reached a gateway in the same turn of its loop travel together. Each has its own
     * result, in the order asked; one bad send never fails its neighbours.
     */
    sendMessages: call({
      subject: 'messaging.call.send-messages',
      request: z.object({
        sends: z
          .array(z.object({ ...actor, ...SendMessage.input.shape }))
          .min(1)
          .max(256),
      }),
      reply: z.object({
        results: z.array(
          z.union([
            z.object({ message: SentMessage }),
            z.object({ refusal: RefusalOf([...SendMessage.errors, 'overloaded', 'unavailable']) }),
          ]),
        ),
      }),
      errors: [],
      timeoutMs: 5_000,
    }),
    getMessages: call({
      subject: 'messaging.call.get-messages',
      request: z.object({ ...actor, ...GetMessages.input.shape }),
      reply: GetMessages.output,
      errors: GetMessages.errors,
      timeoutMs: 2_000,
    }),
    editMessage: call({
      subject: 'messaging.call.edit-message',
      request: z.object({ ...actor, ...EditMessage.input.shape }),
      reply: EditMessage.output,
      errors: [...EditMessage.errors, 'invalid_input', 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    deleteMessage: call({
      subject: 'messaging.call.delete-message',
      request: z.object({ ...actor, ...DeleteMessage.input.shape }),
      reply: DeleteMessage.output,
      errors: [...DeleteMessage.errors, 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    listEdits: call({
      subject: 'messaging.call.list-edits',
      request: z.object({ ...actor, ...ListEdits.input.shape }),
      reply: ListEdits.output,
      errors: ListEdits.errors,
      timeoutMs: 2_000,
    }),
    addReaction: call({
      subject: 'messaging.call.add-reaction',
      request: z.object({ ...actor, ...AddReaction.input.shape }),
      reply: AddReaction.output,
      errors: [...AddReaction.errors, 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    removeReaction: call({
      subject: 'messaging.call.remove-reaction',
      request: z.object({ ...actor, ...RemoveReaction.input.shape }),
      reply: RemoveReaction.output,
      errors: [...RemoveReaction.errors, 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    /**
     * Raises watermarks, of several users and conversations together. Kept when it is answered; each mark has its own result,
     * in the order asked.
     */
    markReceipts: call({
      subject: 'messaging.call.mark-receipts',
      request: z.object({
        marks: z
          .array(
            z.object({
              ...actor,
              conversationId: ConversationId,
              /** 0 for what is not marked. */
              deliveredSequence: Counter,
              readSequence: Counter,
              /** The connection that marks: it is not told of its own doing. */
              connectionId: z.string().optional(),
            }),
          )
          .min(1)
          .max(1_000),
      }),
      reply: z.object({
        results: z.array(
          z.union([
            /** How long this user's next marks in this conversation may be gathered before they are passed on. */
            z.object({ gatherReadMs: z.int(), gatherDeliveredMs: z.int() }),
            z.object({ refusal: RefusalOf(['not_a_member']) }),
          ]),
        ),
      }),
      errors: ['overloaded', 'unavailable'],
      timeoutMs: 3_000,
    }),
    getReceipts: call({
      subject: 'messaging.call.get-receipts',
      request: z.object({ ...actor, ...GetReceipts.input.shape }),
      reply: GetReceipts.output,
      errors: GetReceipts.errors,
      timeoutMs: 2_000,
    }),
    sync: call({
      subject: 'messaging.call.sync',
      request: z.object({ ...actor, ...Sync.input.shape }),
      reply: Sync.output,
      errors: [...Sync.errors, 'invalid_input'],
      timeoutMs: 4_000,
    }),
    blockUser: call({
      subject: 'messaging.call.block-user',
      request: z.object({ ...actor, ...BlockUser.input.shape }),
      reply: BlockUser.output,
      errors: [...BlockUser.errors, 'invalid_input', 'overloaded', 'unavailable'],
      timeoutMs: 4_000,
    }),
    unblockUser: call({
      subject: 'messaging.call.unblock-user',
      request: z.object({ ...actor, ...UnblockUser.input.shape }),
      reply: UnblockUser.output,
      errors: UnblockUser.errors,
      timeoutMs: 4_000,
    }),
    listBlockedUsers: call({
      subject: 'messaging.call.list-blocked-users',
      request: z.object({ ...actor, ...ListBlockedUsers.input.shape }),
      reply: ListBlockedUsers.output,
      errors: ListBlockedUsers.errors,
      timeoutMs: 2_000,
    }),
    getSettings: call({
      subject: 'messaging.call.get-settings',
      request: z.object({ ...actor, ...GetSettings.input.shape }),
      reply: GetSettings.output,
      errors: GetSettings.errors,
      timeoutMs: 2_000,
    }),
    updateSettings: call({
      subject: 'messaging.call.update-settings',
      request: z.object({ ...actor, ...UpdateSettings.input.shape }),
      reply: UpdateSettings.output,
      errors: UpdateSettings.errors,
      timeoutMs: 2_000,
    }),
    /**
     * For a gateway that accepts connections: the memberships of these users and, from the same moment, their `membershipVersion`;
     * and whether they have blocked anybody.
     */
    listMemberships: call({
      subject: 'messaging.call.list-memberships',
      request: z.object({
        userIds: z.array(UserId).min(1).max(100),
        after: z.object({ userId: UserId, conversationId: ConversationId }).optional(),
      }),
      reply: z.object({
        users: z.array(
          z.object({
            userId: UserId,
            membershipVersion: Counter,
            memberships: z.array(MembershipSpan),
            hasBlocked: z.boolean(),
          }),
        ),
        /** Where the next page starts; null when this was the last one. */
        next: z.object({ userId: UserId, conversationId: ConversationId }).nullable(),
      }),
      errors: [],
      timeoutMs: 3_000,
    }),
    /** Which of these users share a conversation with one; left out are those who do not, and who have blocked or are blocked. */
    listRelations: call({
      subject: 'messaging.call.list-relations',
      request: z.object({ userId: UserId, otherIds: z.array(UserId).min(1).max(limits.presencePerRequest) }),
      /** `isContact`: they have a direct conversation. */
      reply: z.object({ relations: z.array(z.object({ userId: UserId, isContact: z.boolean() })) }),
      errors: [],
      timeoutMs: 2_000,
    }),
    /** Whether this user may be seen typing. A gateway remembers the answer for a while. */
    allowTyping: call({
      subject: 'messaging.call.allow-typing',
      request: z.object({ ...actor, ...StartTyping.input.shape }),
      /** Nobody is told in a direct conversation of two of whom one has blocked the other. */
      reply: z.object({ isTold: z.boolean() }),
      errors: StartTyping.errors,
      timeoutMs: 2_000,
    }),
    /** The current versions of topics: of conversations, and of users (their `membershipVersion`). Unknown topics are at 0. */
    readVersions: call({
      subject: 'messaging.call.read-versions',
      request: z.object({ topics: z.array(Topic).min(1).max(1_000) }),
      reply: z.object({ versions: z.array(Counter) }),
      errors: [],
      timeoutMs: 3_000,
    }),
    /**
     * What changed in a topic after a version, in order and bounded at 512 KB. `to` is the position reached; more is to be
     * had when `hasMore`. A gateway repairs a gap with it.
     */
    listChanges: call({
      subject: 'messaging.call.list-changes',
      request: z.object({ topic: Topic, afterVersion: Counter }),
      reply: z.object({ changes: z.array(TopicChange), to: Counter, hasMore: z.boolean() }),
      errors: [],
      timeoutMs: 3_000,
    }),
    /**
     * What was in notices that a gateway has missed, asked from the sender itself, which remembers a minute. `forgotten` when
     * some are older, or unknown: then `listChangedTopics` tells.
     */
    listNotices: call({
      subject: 'messaging.call.list-notices.{senderId}',
      request: z.object({
        senderId: z.string(),
        gatewayId: z.int(),
        numbers: z.array(z.int().min(1)).min(1).max(1_000),
      }),
      reply: z.object({
        topics: z.array(z.object({ topic: Topic, version: Counter })),
        receipts: z.array(ReceiptsDelivery),
        forgotten: z.boolean(),
      }),
      errors: [],
      timeoutMs: 2_000,
    }),
    /** The topics that have changed within this time, and perhaps a little before, with their versions; in pages. */
    listChangedTopics: call({
      subject: 'messaging.call.list-changed-topics',
      request: z.object({ withinMs: z.int().min(0), after: Topic.optional() }),
      reply: z.object({ topics: z.array(z.object({ topic: Topic, version: Counter })), next: Topic.nullable() }),
      errors: [],
      timeoutMs: 3_000,
    }),
    /** For a gateway that may have missed some: what has changed within this time, and perhaps a little before; in pages. */
    listBlockChanges: call({
      subject: 'messaging.call.list-block-changes',
      request: z.object({
        withinMs: z.int().min(0),
        after: BlockChange.pick({ userId: true, blockedId: true }).optional(),
      }),
      reply: z.object({
        changes: z.array(BlockChange),
        next: BlockChange.pick({ userId: true, blockedId: true }).nullable(),
      }),
      errors: [],
      timeoutMs: 3_000,
    }),
    /** For other services: whether this user is a member now. */
    isMember: call({
      subject: 'messaging.call.is-member',
      request: z.object({ userId: UserId, conversationId: ConversationId }),
      reply: z.object({ member: z.boolean() }),
      errors: [],
      timeoutMs: 1_500,
    }),
    /** For media: whether this user sees the files of this message now; not if it is deleted, they have expired, or it is from before what they may see. */
    seesMessage: call({
      subject: 'messaging.call.sees-message',
      request: z.object({ userId: UserId, conversationId: ConversationId, messageId: MessageId }),
      reply: z.object({ sees: z.boolean() }),
      errors: [],
      timeoutMs: 1_500,
    }),
    /** For media: those of the messages that are stored and not deleted, or held, with the uploads that are part of them. */
    listAttachments: call({
      subject: 'messaging.call.list-attachments',
      request: z.object({ messageIds: z.array(MessageId).min(1).max(100) }),
      reply: z.object({ messages: z.array(z.object({ messageId: MessageId, uploadIds: z.array(UploadId) })) }),
      errors: [],
      timeoutMs: 3_000,
    }),
    /** For media: the avatars of those of the conversations that exist. */
    listAvatars: call({
      subject: 'messaging.call.list-avatars',
      request: z.object({ conversationIds: z.array(ConversationId).min(1).max(100) }),
      reply: z.object({
        avatars: z.array(z.object({ conversationId: ConversationId, avatarUrl: z.string().nullable() })),
      }),
      errors: [],
      timeoutMs: 3_000,
    }),
    /** For retention: makes sure that the months of messages exist from the last to `ahead` months from now. */
    createMonths: call({
      subject: 'messaging.call.create-months',
      request: z.object({ ahead: z.int().min(1).max(24) }),
      reply: z.object({ created: z.array(z.string()), months: z.array(z.string()) }),
      errors: ['unavailable'],
      timeoutMs: 30_000,
    }),
    /**
     * For retention: drops the months in which nothing is kept any more, two days after their end at the earliest. One that is in
     * use now is told as `busy`; one in which something is still kept, as `kept`.
     */
    dropMonths: call({
      subject: 'messaging.call.drop-months',
      request: z.object({}),
      reply: z.object({ dropped: z.array(z.string()), busy: z.array(z.string()), kept: z.array(z.string()) }),
      errors: ['unavailable'],
      timeoutMs: 60_000,
    }),
    /** For retention: the rules from now on, unless later ones are known. All instances go by them within 2 seconds. */
    setRetentionRules: call({
      subject: 'messaging.call.set-retention-rules',
      request: z.object({ rules: RetentionRules }),
      reply: z.object({}),
      errors: ['unavailable'],
      timeoutMs: 5_000,
    }),
    /** For retention: the periods of one conversation; both null: as the rules say. */
    setConversationRetention: call({
      subject: 'messaging.call.set-conversation-retention',
      request: z.object({
        conversationId: ConversationId,
        messageDays: RetentionDays.nullable(),
        fileDays: RetentionDays.nullable(),
      }),
      reply: z.object({}),
      errors: ['conversation_not_found', 'unavailable'],
      timeoutMs: 5_000,
    }),
    /** For retention: what would expire now by other periods that does not by those in force. See `PolicyEffect`. */
    previewRetention: call({
      subject: 'messaging.call.preview-retention',
      request: z.object({
        /** Of one conversation; or of those without periods of their own: of a kind; or with neither, of all kinds without. */
        conversationId: ConversationId.nullable(),
        kind: ConversationKind.nullable(),
        messageDays: RetentionDays.nullable(),
        fileDays: RetentionDays.nullable(),
      }),
      reply: PolicyEffect,
      errors: ['conversation_not_found', 'unavailable'],
      timeoutMs: 20_000,
    }),
    /**
     * For retention: legal holds that hold from now on, and others that do no more. Once it is answered, nothing that they cover is
     * deleted. The same again changes nothing.
     */
    applyHolds: call({
      subject: 'messaging.call.apply-holds',
      request: z.object({
        placed: z
          .array(z.object({ id: z.uuid(), userId: UserId.nullable(), conversationId: ConversationId.nullable() }))
          .max(100),
        released: z.array(z.uuid()).max(100),
      }),
      reply: z.object({}),
      errors: ['conversation_not_found', 'unavailable'],
      timeoutMs: 15_000,
    }),
    /**
     * For retention: deletes a part of what has expired. `more`: ask again with the cursor. `busy`: some could not be had now; ask
     * again later without one.
     */
    expireMessages: call({
      subject: 'messaging.call.expire-messages',
      request: z.object({
        cursor: z.string().max(1_000).nullable(),
        /** Messages for which only the default rule holds go with their month alone: they are hidden, and not deleted here. */
        leaveDefaultToMonths: z.boolean(),
      }),
      reply: z.object({ counts: Counts, cursor: z.string().nullable(), outcome: z.enum(['more', 'busy', 'done']) }),
      errors: ['unavailable'],
      timeoutMs: 30_000,
    }),
    /** For retention: the time of the oldest message that is stored, held ones apart; null without any. */
    oldestMessage: call({
      subject: 'messaging.call.oldest-message',
      request: z.object({}),
      reply: z.object({ createdAt: Time.nullable() }),
      errors: [],
      timeoutMs: 10_000,
    }),
    /** For retention: the user's messages become tombstones, their reactions go, and they leave all groups and channels. */
    eraseUser: call({
      subject: 'messaging.call.erase-user',
      ...ErasePart,
      errors: ['unavailable'],
      timeoutMs: 30_000,
    }),
    exportUser: call({
      subject: 'messaging.call.export-user',
      ...ExportPart,
      errors: ['unavailable'],
      timeoutMs: 15_000,
    }),
    findRemains: call({
      subject: 'messaging.call.find-remains',
      request: FindRemains.request.extend({
        /** As `expireMessages` was asked: what goes with its month is not looked for before. */
        leaveDefaultToMonths: z.boolean().optional(),
      }),
      reply: FindRemains.reply,
      errors: ['unavailable'],
      timeoutMs: 30_000,
    }),
  },
  events: {
    conversationCreated: event({
      subject: 'messaging.event.conversation-created.{conversationId}',
      summary: 'A conversation begins, with these members. Version 1.',
      payload: z.object({
        conversationId: ConversationId,
        version: Counter,
        conversation: Conversation,
        members: z.array(Member),
      }),
    }),
    memberJoined: event({
      subject: 'messaging.event.member-joined.{conversationId}',
      summary: 'Somebody has become a member.',
      payload: z.object({ conversationId: ConversationId, version: Counter, member: Member }),
    }),
    memberLeft: event({
      subject: 'messaging.event.member-left.{conversationId}',
      summary: 'Somebody is no longer a member: they left, or were removed.',
      payload: z.object({ conversationId: ConversationId, version: Counter, member: Member }),
    }),
    memberChanged: event({
      subject: 'messaging.event.member-changed.{conversationId}',
      summary: 'A member has another role, given to them by `changedBy`.',
      payload: z.object({
        conversationId: ConversationId,
        version: Counter,
        member: Member,
        /** Events of before it was told are without. */
        changedBy: UserId.optional(),
      }),
    }),
    conversationUpdated: event({
      subject: 'messaging.event.conversation-updated.{conversationId}',
      summary:
        'Title, avatar, history visibility, archiving, retention or the first kept message have changed: the conversation as it is after that.',
      payload: z.object({ conversationId: ConversationId, version: Counter, conversation: Conversation }),
    }),
    messageUpdated: event({
      subject: 'messaging.event.message-updated.{conversationId}',
      summary:
        'An edit, a deletion (`deletedAt`), reactions: the message as it was when this was told, which may be later.',
      payload: z.object({ conversationId: ConversationId, version: Counter, message: Message }),
    }),
    attachmentsRemoved: event({
      subject: 'messaging.event.attachments-removed.{conversationId}',
      summary: 'A message is gone, or its files have expired: the files that were part of it. Without version.',
      payload: z.object({ conversationId: ConversationId, messageId: MessageId, uploadIds: z.array(UploadId) }),
    }),
    receiptsAdvanced: event({
      subject: 'messaging.event.receipts-advanced.{conversationId}',
      summary:
        'Members have got, or read, more. Without version: the highest counts, so repetitions and disorder do no harm.',
      payload: z.object({ conversationId: ConversationId, receipts: z.array(Receipt) }),
    }),
    messageCreated: event({
      subject: 'messaging.event.message-created.{conversationId}',
      summary: 'A message was sent. `version` is the one that created it; the message itself may have changed since.',
      payload: z.object({ conversationId: ConversationId, version: Counter, message: Message }),
    }),
  },
  notices: {
    /** To all gateways: what two users are to each other has changed by a block. JSON of `BlockChange`. */
    relationsChanged: notice({ subject: 'messaging.notice.relations-changed' }),
  },
})
