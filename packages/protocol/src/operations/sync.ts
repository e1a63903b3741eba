import { z } from 'zod'
import { ConversationId, Counter, Time } from '../ids.ts'
import { limits } from '../limits.ts'
import { Conversation, Member, Message, Receipt } from '../objects.ts'
import { operation } from '../operation.ts'

/** What a client needs to bring one conversation up to date. */
export const ConversationSync = z
  .object({
    /** As it is now, with `me`. */
    conversation: Conversation,
    /** Those created or changed since the named version, by version; with `reload` the newest, by sequence. */
    messages: z.array(Message),
    /** Those who joined, left or changed since; with `reload` the first who joined. Empty above `toldMembers`. */
    members: z.array(Member),
    /** Of other members, those raised since `since`; of a new conversation and with `reload` they are in `members`. */
    receipts: z.array(Receipt),
    /** The version reached. */
    to: Counter,
    /**
     * Too much has changed, or the caller was not a member in between: what was kept of this conversation is to be forgotten,
     * and what is older than these messages is read on demand. Of a conversation that is new to the client: not all of it is here.
     */
    reload: z.boolean(),
  })
  .meta({ id: 'ConversationSync' })
export type ConversationSync = z.infer<typeof ConversationSync>

export const Sync = operation({
  summary:
    'What a client that was away has missed: it names the conversations it has and their versions. Conversations it does not name are new to it. While `hasMore`, ask again with the versions reached, the `serverTime` and the `nextCursor` answered.',
  hub: 'Sync',
  rest: 'POST /sync',
  input: z.strictObject({
    conversations: z.array(z.strictObject({ id: ConversationId, version: Counter })).max(limits.conversationsPerSync),
    /** The `serverTime` of the last answer; none at first. */
    since: Time.nullable().optional(),
    /**
     * True when other requests name the rest: only what became the caller's since `since` is then new. The next `since` is the
     * earliest `serverTime` of such requests.
     */
    partial: z.boolean().optional(),
    /** The `nextCursor` of the last answer, where it had one: receipts do not raise versions. */
    cursor: z.string().max(200).nullable().optional(),
  }),
  output: z.object({
    conversations: z.array(ConversationSync),
    /** Of the named, those that are not, or no longer, the caller's. */
    removed: z.array(ConversationId),
    hasMore: z.boolean(),
    nextCursor: z.string().nullable(),
    /** Up to when the answer is complete: the next `since`. */
    serverTime: Time,
  }),
  errors: [],
})
