import { z } from 'zod'
import { UserId } from '../ids.ts'
import { limits } from '../limits.ts'
import { PresenceState } from '../objects.ts'
import { operation } from '../operation.ts'

export const GetPresence = operation({
  summary: 'Who of the named users is online now.',
  rest: 'GET /presence',
  input: z.strictObject({ userIds: z.array(UserId).min(1).max(limits.presencePerRequest) }),
  output: z.object({ states: z.array(PresenceState) }),
  errors: [],
})
