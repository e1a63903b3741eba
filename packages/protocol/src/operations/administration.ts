import { z } from 'zod'
import { Time, UserId } from '../ids.ts'
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

/** The object store and the table of uploads, compared. What is younger than a day is left out: it may be on its way. */
export const Reconciliation = z
  .object({
    id: z.string(),
    startedAt: Time,
    /** Null while it runs, and when it was broken off. */
    finishedAt: Time.nullable(),
    outcome: z.enum(['running', 'finished', 'failed', 'too_many_unknown']),
    /** Objects and uploads that were looked at. */
    objects: z.int(),
    uploads: z.int(),
    /** Objects that belong to no upload, and how many of them were removed. With `too_many_unknown` none was. */
    unknownObjects: z.int(),
    removedObjects: z.int(),
    /** Ready uploads whose object is not there: the first of their ids, too. */
    missingObjects: z.int(),
    missingUploadIds: z.array(z.string()),
  })
  .meta({ id: 'Reconciliation' })
export type Reconciliation = z.infer<typeof Reconciliation>

export const ListReconciliations = operation({
  summary: 'The daily comparisons of the object store with the uploads, the newest first.',
  rest: 'GET /admin/media/reconciliations',
  input: z.strictObject({}),
  output: z.object({ reconciliations: z.array(Reconciliation) }),
  errors: [],
})
