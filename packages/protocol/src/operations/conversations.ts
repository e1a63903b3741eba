import { z } from 'zod'
import { ConversationId, Time, UploadId, UserId } from '../ids.ts'
import { limits } from '../limits.ts'
import { Conversation, ConversationKind, HistoryVisibility, Member, Role } from '../objects.ts'
import { operation } from '../operation.ts'
import { line, webAddress } from '../text.ts'

const page = { cursor: z.string().max(200).optional(), limit: z.int().min(1).max(limits.pageSize).optional() }
const conversation = { conversationId: ConversationId }

export const CreateConversation = operation({
  summary:
    'Creates a conversation. A direct one has exactly one other member and no title, and the same pair always gets the same conversation. `id` is optional and makes a retry safe.',
  hub: 'CreateConversation',
  rest: 'POST /conversations',
  input: z.strictObject({
    id: ConversationId.optional(),
    kind: ConversationKind,
    title: line(limits.titleCharacters).nullable().optional(),
    memberIds: z.array(UserId).max(limits.usersPerRequest),
    /** `joined` if not named, for a channel `all`. */
    historyVisibility: HistoryVisibility.optional(),
  }),
  output: Conversation,
  errors: ['user_not_found', 'conversation_id_conflict', 'direct_blocked'],
})

export const ListConversations = operation({
  summary: "The caller's conversations, newest activity first.",
  hub: 'ListConversations',
  rest: 'GET /conversations',
  input: z.strictObject(page),
  output: z.object({ conversations: z.array(Conversation), nextCursor: z.string().nullable() }),
  errors: [],
})

export const GetConversation = operation({
  summary: 'One conversation of the caller.',
  hub: 'GetConversation',
  rest: 'GET /conversations/{conversationId}',
  input: z.strictObject(conversation),
  output: Conversation,
  errors: ['not_a_member'],
})

export const UpdateConversation = operation({
  summary:
    'Changes what is named of a group or channel; by its owners and admins. `archived` closes it for writing, or opens it again. `historyVisibility` is for those who join from now on.',
  hub: 'UpdateConversation',
  rest: 'PATCH /conversations/{conversationId}',
  input: z.strictObject({
    ...conversation,
    title: line(limits.titleCharacters).nullable().optional(),
    /** An upload of the caller (`ReserveAvatar`) that is ready: it becomes the avatar, and `avatarUrl` its address. */
    avatarId: UploadId.optional(),
    /** Of a picture elsewhere. Null: none. Not together with `avatarId`. */
    avatarUrl: webAddress(limits.urlCharacters).nullable().optional(),
    historyVisibility: HistoryVisibility.optional(),
    archived: z.boolean().optional(),
  }),
  output: Conversation,
  errors: ['not_a_member', 'forbidden', 'upload_not_found', 'upload_not_received', 'upload_rejected'],
})

export const MuteConversation = operation({
  summary:
    'Says until when the caller wants no notifications of a conversation; null for at once. Told to the own devices only.',
  hub: 'MuteConversation',
  rest: 'PUT /conversations/{conversationId}/mute',
  input: z.strictObject({ ...conversation, until: Time.nullable() }),
  output: Conversation,
  errors: ['not_a_member'],
})

export const ListMembers = operation({
  summary: 'The members of a conversation, in the order they joined.',
  hub: 'ListMembers',
  rest: 'GET /conversations/{conversationId}/members',
  input: z.strictObject({ ...conversation, ...page }),
  output: z.object({ members: z.array(Member), nextCursor: z.string().nullable() }),
  errors: ['not_a_member'],
})

export const AddMembers = operation({
  summary:
    'Adds users to a group or channel; by its owners and admins. Who is a member already stays as is, so a retry is safe.',
  hub: 'AddMembers',
  rest: 'POST /conversations/{conversationId}/members',
  input: z.strictObject({ ...conversation, userIds: z.array(UserId).min(1).max(limits.usersPerRequest) }),
  output: z.object({ members: z.array(Member) }),
  errors: ['not_a_member', 'forbidden', 'user_not_found', 'too_many_members', 'conversation_archived'],
})

export const ChangeRole = operation({
  summary:
    'Gives a member of a group or channel another role; by its owners. There may be several owners: to hand over, make another one and leave or step down. The last owner stays one.',
  hub: 'ChangeRole',
  rest: 'PATCH /conversations/{conversationId}/members/{userId}',
  input: z.strictObject({ ...conversation, userId: UserId, role: Role }),
  output: Member,
  errors: ['not_a_member', 'forbidden', 'user_not_found', 'last_owner'],
})

export const RemoveMember = operation({
  summary:
    'Removes a member from a group or channel; by its owners, and by its admins when the member is neither owner nor admin. Whoever names themselves leaves.',
  hub: 'RemoveMember',
  rest: 'DELETE /conversations/{conversationId}/members/{userId}',
  input: z.strictObject({ ...conversation, userId: UserId }),
  output: z.object({}),
  errors: ['not_a_member', 'forbidden', 'user_not_found', 'last_owner'],
})

export const LeaveConversation = operation({
  summary: 'Ends the own membership of a group or channel. The last owner can leave only as the last member.',
  hub: 'LeaveConversation',
  rest: 'DELETE /conversations/{conversationId}/members/me',
  input: z.strictObject(conversation),
  output: z.object({}),
  errors: ['not_a_member', 'forbidden', 'last_owner'],
})
