import {
  AddMembers,
  Conversation,
  ConversationId,
  Counter,
  CreateConversation,
  GetConversation,
  GetMessages,
  LeaveConversation,
  ListConversations,
  ListMembers,
  Member,
  Message,
  RemoveMember,
  SendMessage,
  SentMessage,
  UserId,
  hubEvents,
  type HubEventName,
} from '@parley/protocol'
import { z } from 'zod'
import { Actor } from './actor.ts'
import { call, contract, event } from './contract.ts'
import { RefusalOf } from './refusal-of.ts'
import { Topic } from './topic.ts'

const actor = { actor: Actor }

/** Which part of a conversation is a user's own. */
export const MembershipSpan = z.object({
  conversationId: ConversationId,
  /** The first version that is theirs. */
  joinedVersion: Counter,
  /** The last version that is theirs: the one that took them out. Null while they are a member. */
  leftVersion: Counter.nullable(),
})
export type MembershipSpan = z.infer<typeof MembershipSpan>

/** One change of a topic as clients are told it. Changes of one topic are delivered in the order of `version`. */
export const TopicChange = z.object({
  version: Counter,
  event: z.enum(Object.keys(hubEvents) as [HubEventName, ...HubEventName[]]),
  argument: z.unknown(),
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
      errors: [...CreateConversation.errors, 'invalid_input'],
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
      errors: AddMembers.errors,
      timeoutMs: 4_000,
    }),
    removeMember: call({
      subject: 'messaging.call.remove-member',
      request: z.object({ ...actor, ...RemoveMember.input.shape }),
      reply: RemoveMember.output,
      errors: RemoveMember.errors,
      timeoutMs: 4_000,
    }),
    leaveConversation: call({
      subject: 'messaging.call.leave-conversation',
      request: z.object({ ...actor, ...LeaveConversation.input.shape }),
      reply: LeaveConversation.output,
      errors: LeaveConversation.errors,
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
    /** For a gateway that accepts connections: the memberships of these users and, from the same moment, their `membershipVersion`. */
    listMemberships: call({
      subject: 'messaging.call.list-memberships',
      request: z.object({
        userIds: z.array(UserId).min(1).max(100),
        after: z.object({ userId: UserId, conversationId: ConversationId }).optional(),
      }),
      reply: z.object({
        users: z.array(z.object({ userId: UserId, membershipVersion: Counter, memberships: z.array(MembershipSpan) })),
        /** Where the next page starts; null when this was the last one. */
        next: z.object({ userId: UserId, conversationId: ConversationId }).nullable(),
      }),
      errors: [],
      timeoutMs: 3_000,
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
    /** For other services: whether this user is a member now. */
    isMember: call({
      subject: 'messaging.call.is-member',
      request: z.object({ userId: UserId, conversationId: ConversationId }),
      reply: z.object({ member: z.boolean() }),
      errors: [],
      timeoutMs: 1_500,
    }),
    /** For retention: makes sure that the months of messages exist from the last to `ahead` months from now. */
    createMonths: call({
      subject: 'messaging.call.create-months',
      request: z.object({ ahead: z.int().min(1).max(24) }),
      reply: z.object({ created: z.array(z.string()), months: z.array(z.string()) }),
      errors: ['unavailable'],
      timeoutMs: 30_000,
    }),
    /** For retention: drops the months of messages that ended at or before this time. One that is in use now is told as `busy`. */
    dropMonths: call({
      subject: 'messaging.call.drop-months',
      request: z.object({ endedBefore: z.iso.datetime({ precision: 3 }) }),
      reply: z.object({ dropped: z.array(z.string()), busy: z.array(z.string()) }),
      errors: [],
      timeoutMs: 60_000,
    }),
  },
  events: {
    conversationCreated: event({
      subject: 'messaging.event.conversation-created.{conversationId}',
      payload: z.object({
        conversationId: ConversationId,
        version: Counter,
        conversation: Conversation,
        members: z.array(Member),
      }),
    }),
    memberJoined: event({
      subject: 'messaging.event.member-joined.{conversationId}',
      payload: z.object({ conversationId: ConversationId, version: Counter, member: Member }),
    }),
    memberLeft: event({
      subject: 'messaging.event.member-left.{conversationId}',
      payload: z.object({ conversationId: ConversationId, version: Counter, member: Member }),
    }),
    messageCreated: event({
      subject: 'messaging.event.message-created.{conversationId}',
      payload: z.object({ conversationId: ConversationId, version: Counter, message: Message }),
    }),
  },
  notices: {},
})
