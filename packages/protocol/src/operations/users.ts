import { z } from 'zod'
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
  input: z.strictObject({ displayName: line(limits.displayNameCharacters).optional() }),
  output: User,
  errors: [],
})

export const FindUsers = operation({
  summary: 'Users whose display name begins with the query, whatever its case; at most 20, by name.',
  hub: 'FindUsers',
  rest: 'GET /users',
  input: z.strictObject({ query: line(limits.displayNameCharacters) }),
  output: z.object({ users: z.array(User) }),
  errors: [],
})
