import { z } from 'zod'
import { Time } from './ids.ts'

/**
 * Every way an operation can refuse, with its HTTP status and a sentence for people. The code is the promise; the sentence
 * may be made clearer at any time. `data` is what the refusal carries besides.
 */
export const refusals = {
  invalid_input: { status: 400, sentence: 'The input is not valid.' },
  unauthenticated: { status: 401, sentence: 'A valid access token is needed.' },
  forbidden: { status: 403, sentence: 'You may not do this.' },
  not_found: { status: 404, sentence: 'There is nothing here.' },
  method_not_allowed: { status: 405, sentence: 'This method is not offered here.' },
  not_a_member: { status: 404, sentence: 'There is no such conversation, or you are not a member of it.' },
  user_not_found: { status: 404, sentence: 'There is no such user.' },
  reply_not_found: { status: 404, sentence: 'The message replied to is not in this conversation.' },
  message_not_found: { status: 404, sentence: 'There is no such message in this conversation, or it is deleted.' },
  conversation_archived: { status: 409, sentence: 'The conversation is archived: nobody can write in it.' },
  too_many_emoji: { status: 422, sentence: 'The message has too many different emoji.' },
  conversation_id_conflict: { status: 409, sentence: 'This id already names another conversation.' },
  message_id_conflict: { status: 409, sentence: 'This id already names another message.' },
  message_id_out_of_range: {
    status: 422,
    sentence: "The time in the message id is too far from the server's. The message is not stored; a new id is safe.",
    data: z.object({ serverTime: Time }),
  },
  history_expired: {
    status: 410,
    sentence: 'What was there is not kept any more.',
    data: z.object({ firstKeptSequence: z.int() }),
  },
  conversation_not_found: { status: 404, sentence: 'There is no such conversation.' },
  confirmation_needed: {
    status: 409,
    sentence: 'So much would expire by this policy that the numbers must be confirmed.',
    data: z.object({ messages: z.int(), files: z.int() }),
  },
  hold_not_found: { status: 404, sentence: 'There is no such hold.' },
  hold_id_conflict: { status: 409, sentence: 'This id already names another hold.' },
  erasure_not_found: { status: 404, sentence: 'The erasure of this user was never asked for.' },
  export_not_found: { status: 404, sentence: 'No export of this user was asked for.' },
  mention_not_a_member: { status: 422, sentence: 'A mentioned user is not a member of this conversation.' },
  direct_blocked: { status: 403, sentence: 'One of the two has blocked the other: nothing can be written here.' },
  too_many_blocked: { status: 422, sentence: 'The user would block too many others.' },
  device_not_found: { status: 404, sentence: 'There is no such device, or it is signed out.' },
  session_mismatch: { status: 409, sentence: 'The token is of another user or another session than the connection.' },
  too_many_members: { status: 422, sentence: 'The conversation would have too many members.' },
  too_many_watched: { status: 422, sentence: 'The connection would watch the presence of too many users.' },
  typing_not_offered: { status: 422, sentence: 'Who is typing is not told in conversations of this size.' },
  last_owner: { status: 409, sentence: 'The last owner cannot leave while others remain.' },
  upload_not_found: { status: 404, sentence: 'There is no such file, or you may not see it.' },
  upload_not_received: { status: 409, sentence: 'The file has not been uploaded yet.' },
  upload_rejected: {
    status: 422,
    sentence: 'The file was checked and rejected.',
    data: z.object({ reason: z.string() }),
  },
  upload_in_use: { status: 409, sentence: 'The file is part of a message, or an avatar.' },
  upload_quota_exceeded: {
    status: 429,
    sentence: 'The user has uploaded too much within a day.',
    data: z.object({ retryAfterMs: z.int() }),
  },
  media_type_not_allowed: { status: 415, sentence: 'Files of this type are not accepted.' },
  file_too_large: { status: 413, sentence: 'The file is too large.', data: z.object({ maxBytes: z.int() }) },
  payload_too_large: { status: 413, sentence: 'The request is too large.' },
  rate_limited: {
    status: 429,
    sentence: 'Too many requests. Try again later.',
    data: z.object({ retryAfterMs: z.int() }),
  },
  overloaded: {
    status: 503,
    sentence: 'Too much to do at the moment. Try again in a second.',
    data: z.object({ retryAfterMs: z.int() }),
  },
  unavailable: { status: 503, sentence: 'The service cannot answer now. A retry with the same id is safe.' },
  internal: { status: 500, sentence: 'Something went wrong on our side.' },
} as const satisfies Record<string, { status: number; sentence: string; data?: z.ZodObject }>

export type RefusalCode = keyof typeof refusals

/** What a refusal with this code carries: an empty object for most. */
export type RefusalData<Code extends RefusalCode> = (typeof refusals)[Code] extends {
  data: infer Data extends z.ZodObject
}
  ? z.infer<Data>
  : Record<never, never>

export interface Refusal<Code extends RefusalCode = RefusalCode> {
  readonly code: Code
  readonly sentence: string
  readonly data: RefusalData<Code>
}
