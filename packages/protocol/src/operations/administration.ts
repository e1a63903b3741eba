import { z } from 'zod'
import { UserId } from '../ids.ts'
import { limits } from '../limits.ts'
import { AuditEntry } from '../objects.ts'
import { operation } from '../operation.ts'
import { text } from '../text.ts'

export const SignOutUser = operation({
  summary:
    'Signs a user out everywhere: their tokens are good no more, and their connections are closed within 2 seconds. They can sign in again.',
  rest: 'DELETE /admin/users/{userId}/devices',
  input: z.strictObject({ userId: UserId }),
  output: z.object({ removed: z.int() }),
  errors: ['user_not_found'],
})

export const ListAuditEntries = operation({
  summary: 'What was done about who may do what, the newest first.',
  rest: 'GET /admin/audit',
  input: z.strictObject({
    /** Only what this user did, or what was done to them. */
    userId: UserId.optional(),
    action: text(100).optional(),
    /** `nextCursor` of the page before. */
    cursor: text(200).optional(),
    /** 50 if not named. */
    limit: z.int().min(1).max(limits.pageSize).optional(),
  }),
  output: z.object({ entries: z.array(AuditEntry), nextCursor: z.string().nullable() }),
  errors: [],
})
