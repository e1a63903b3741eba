import { z } from 'zod'
import { ConversationId, Counter, Time, UserId } from './ids.ts'
import { Conversation, Member, Message } from './objects.ts'

/** What the hub tells its clients, by target name. Changes of a conversation carry its `version`. */
export const hubEvents = {
  /** The connection is ready: from here on, every change of the user's conversations arrives. */
  Welcome: z.object({ connectionId: z.string(), userId: UserId, serverTime: Time }),
  MessageCreated: Message,
  ConversationAdded: Conversation,
  ConversationRemoved: z.object({ conversationId: ConversationId }),
  MemberJoined: z.object({ conversationId: ConversationId, version: Counter, member: Member }),
  MemberLeft: z.object({ conversationId: ConversationId, version: Counter, member: Member }),
}

export type HubEventName = keyof typeof hubEvents
export type HubEvent<Name extends HubEventName> = z.infer<(typeof hubEvents)[Name]>
