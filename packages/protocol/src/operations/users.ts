import { z } from 'zod'
import { UploadId, UserId } from '../ids.ts'
import { limits } from '../limits.ts'
import { User } from '../objects.ts'
import { operation } from '../operation.ts'
import { line } from '../text.ts'

export const GetMe = operation({
  summary: 'The caller.',
  hub: 'GetMe',
  rest: 'GET /me',
  input: z.strictObject({}),
  output: User,
  errors: [],
})

export const UpdateProfile = operation({
  summary: "Changes the caller's profile; what is not named stays.",
  hub: 'UpdateProfile',
  rest: 'PATCH /me',
  input: z.strictObject({
    displayName: line(limits.displayNameCharacters).optional(),
    /** An own upload (`ReserveAvatar`) that is ready: it becomes the avatar, and `avatarUrl` its address. */
    avatarId: UploadId.optional(),
    /** Of a picture elsewhere, by https. Null: none. Not together with `avatarId`. */
    avatarUrl: z
      .url({ protocol: /^https$/ })
      .max(limits.urlCharacters)
      .nullable()
      .optional(),
  }),
  output: User,
  errors: ['upload_not_found', 'upload_not_received', 'upload_rejected'],
})

export const FindUsers = operation({
  summary:
    'Users whose display name, or a later word in it, begins with the query, whatever its case and accents; at most 20, by name, and those of later words last.',
  hub: 'FindUsers',
  rest: 'GET /users',
  input: z.strictObject({ query: line(limits.displayNameCharacters) }),
  output: z.object({ users: z.array(User) }),
  errors: [],
})

export const BlockUser = operation({
  summary:
    'Nothing comes from this user any more, in either direction: no messages in the direct conversation of the two, no typing, no presence. In groups their messages still come.',
  hub: 'BlockUser',
  rest: 'PUT /me/blocked/{userId}',
  input: z.strictObject({ userId: UserId }),
  output: z.object({}),
  errors: ['user_not_found', 'too_many_blocked'],
})

export const UnblockUser = operation({
  summary: 'Ends what `BlockUser` began. Also when it had not begun.',
  hub: 'UnblockUser',
  rest: 'DELETE /me/blocked/{userId}',
  input: z.strictObject({ userId: UserId }),
  output: z.object({}),
  errors: [],
})

export const ListBlockedUsers = operation({
  summary: 'Whom the caller has blocked, the newest first.',
  hub: 'ListBlockedUsers',
  rest: 'GET /me/blocked',
  input: z.strictObject({}),
  output: z.object({ userIds: z.array(UserId) }),
  errors: [],
})
