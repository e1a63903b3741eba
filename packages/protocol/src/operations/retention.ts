import { z } from 'zod'
import { ConversationId, Time, UserId } from '../ids.ts'
import { limits } from '../limits.ts'
import { ConversationKind } from '../objects.ts'
import { operation } from '../operation.ts'
import { text } from '../text.ts'

const Days = z.int().min(limits.leastRetentionDays).max(limits.mostRetentionDays)
const reason = text(limits.reasonCharacters)
const page = {
  /** `nextCursor` of the page before. */
  cursor: text(200).optional(),
  /** 50 if not named. */
  limit: z.int().min(1).max(limits.pageSize).optional(),
}

/** What a policy is for: one conversation, or all of a kind, or with neither all that no other policy is for. */
const policyScope = { conversationId: ConversationId.nullable(), kind: ConversationKind.nullable() }

/**
 * How long messages and their files are kept, in days of 24 hours from `createdAt`. Null: as the next wider policy says
 * (conversation, kind, default); files of the default: as long as their messages. Files never outlive their message.
 */
const periods = { messageDays: Days.nullable(), fileDays: Days.nullable() }

export const RetentionPolicy = z
  .object({
    ...policyScope,
    ...periods,
    /** Null: nobody has set it, it comes from the configuration. */
    changedBy: UserId.nullable(),
    changedAt: Time.nullable(),
  })
  .meta({ id: 'RetentionPolicy' })
export type RetentionPolicy = z.infer<typeof RetentionPolicy>

/** What would expire by a policy that does not now: counted now. */
export const PolicyEffect = z
  .object({
    conversations: z.int(),
    messages: z.int(),
    files: z.int(),
    fileBytes: z.int(),
    /** Of the messages, those that a legal hold keeps all the same. */
    heldMessages: z.int(),
    /** Whether all was counted. If not, these are the least. */
    isComplete: z.boolean(),
  })
  .meta({ id: 'PolicyEffect' })
export type PolicyEffect = z.infer<typeof PolicyEffect>

const scopeAndPeriods = {
  conversationId: ConversationId.nullable().optional(),
  kind: ConversationKind.nullable().optional(),
  ...periods,
}

export const ListRetentionPolicies = operation({
  summary: 'The default policy, those of kinds of conversations, and those of single conversations.',
  rest: 'GET /admin/retention/policies',
  input: z.strictObject(page),
  output: z.object({ policies: z.array(RetentionPolicy), nextCursor: z.string().nullable() }),
  errors: [],
})

export const PreviewRetentionPolicy = operation({
  summary: 'A dry run: what would expire if this policy were set, and nothing is changed.',
  rest: 'POST /admin/retention/policies/preview',
  input: z.strictObject(scopeAndPeriods),
  output: z.object({ effect: PolicyEffect, needsConfirmation: z.boolean() }),
  errors: ['conversation_not_found'],
})

export const SetRetentionPolicy = operation({
  summary:
    'Sets how long messages and files are kept, at once: what has expired is hidden from everybody, and gone within 24 hours. With both periods null the policy of a conversation or kind is removed. Above a threshold the numbers of the dry run must be confirmed.',
  rest: 'PUT /admin/retention/policies',
  input: z.strictObject({
    ...scopeAndPeriods,
    /** As many as this may expire by it. */
    confirmed: z.strictObject({ messages: z.int().min(0), files: z.int().min(0) }).optional(),
  }),
  output: z.object({ policy: RetentionPolicy, effect: PolicyEffect }),
  errors: ['conversation_not_found', 'confirmation_needed'],
})

/** Keeps what a user wrote, or what was written in a conversation, from being deleted, whatever else is asked. */
export const Hold = z
  .object({
    id: z.uuid(),
    userId: UserId.nullable(),
    conversationId: ConversationId.nullable(),
    reason: z.string(),
    placedBy: UserId,
    placedAt: Time,
    /** Null while it holds. */
    releasedBy: UserId.nullable(),
    releasedAt: Time.nullable(),
  })
  .meta({ id: 'Hold' })
export type Hold = z.infer<typeof Hold>

export const ListHolds = operation({
  summary: 'Legal holds, the newest first.',
  rest: 'GET /admin/retention/holds',
  input: z.strictObject({
    ...page,
    userId: UserId.optional(),
    conversationId: ConversationId.optional(),
    /** True: those that were released, too. */
    released: z.boolean().optional(),
  }),
  output: z.object({ holds: z.array(Hold), nextCursor: z.string().nullable() }),
  errors: [],
})

export const PlaceHold = operation({
  summary:
    'Holds what a user wrote, or a conversation, from now on: what expires or is deleted disappears for everybody, and is kept until the hold is released.',
  rest: 'POST /admin/retention/holds',
  input: z
    .strictObject({
      /** Makes a retry safe. */
      id: z.uuid().optional(),
      userId: UserId.optional(),
      conversationId: ConversationId.optional(),
      reason,
    })
    .refine(({ userId, conversationId }) => (userId === undefined) !== (conversationId === undefined), {
      path: ['userId'],
      error: 'either this or conversationId must be named',
    }),
  output: Hold,
  errors: ['user_not_found', 'conversation_not_found', 'hold_id_conflict'],
})

export const ReleaseHold = operation({
  summary: 'Releases a legal hold: what was kept only by it is gone within 24 hours.',
  rest: 'DELETE /admin/retention/holds/{holdId}',
  input: z.strictObject({ holdId: z.uuid() }),
  output: Hold,
  errors: ['hold_not_found'],
})

/**
 * `create-months`: makes the months to come. `expire`: deletes what has expired. `drop-months`: drops months of which nothing
 * is kept. `verify`: looks in every store for what should be gone.
 */
export const RunKind = z.enum(['create-months', 'expire', 'drop-months', 'verify']).meta({ id: 'RunKind' })
export type RunKind = z.infer<typeof RunKind>

/** By what was counted, such as `postgres.messages` or `s3.objects`. */
const Counts = z.record(z.string(), z.int())

export const Run = z
  .object({
    id: z.uuid(),
    kind: RunKind,
    startedAt: Time,
    /** Null while it runs. */
    endedAt: Time.nullable(),
    /**
     * `busy`: some of it could not be done now, and comes again soon. `remains`: something was found that should be gone.
     * `failed`: see `errorCode`; it comes again soon.
     */
    result: z.enum(['done', 'busy', 'remains', 'failed']).nullable(),
    errorCode: z.string().nullable(),
    /** Names of the months made or dropped. */
    months: z.array(z.string()),
    /** What was done so far. */
    counts: Counts,
    /** What should be gone: the first that were found. */
    findings: z.array(z.object({ store: z.string(), what: z.string(), id: z.string() })),
  })
  .meta({ id: 'Run' })
export type Run = z.infer<typeof Run>

export const ListRuns = operation({
  summary: 'What retention has done, the newest first.',
  rest: 'GET /admin/retention/runs',
  input: z.strictObject({ ...page, kind: RunKind.optional() }),
  output: z.object({ runs: z.array(Run), nextCursor: z.string().nullable() }),
  errors: [],
})

export const StartRun = operation({
  summary: 'Has a run done now, besides those of the schedule: it is among the runs as soon as it begins.',
  rest: 'POST /admin/retention/runs',
  input: z.strictObject({ kind: RunKind }),
  output: z.object({ requestedAt: Time }),
  errors: [],
})

/** What was done in one service. */
const JobStep = z.object({
  service: z.string(),
  /** `waiting`: for something that takes time, such as the removal of files. `held`: a legal hold keeps it. */
  state: z.enum(['pending', 'running', 'waiting', 'held', 'done']),
  /** By store and thing. */
  counts: Counts,
  finishedAt: Time.nullable(),
})

export const Erasure = z
  .object({
    id: z.uuid(),
    userId: UserId,
    reason: z.string(),
    requestedBy: UserId,
    requestedAt: Time,
    finishedAt: Time.nullable(),
    /** `held`: nothing is erased while a legal hold on the user lasts. */
    state: z.enum(['pending', 'running', 'held', 'done']),
    /** Every service that keeps something of users, and with it every store. */
    steps: z.array(JobStep),
  })
  .meta({ id: 'Erasure' })
export type Erasure = z.infer<typeof Erasure>

export const EraseUser = operation({
  summary:
    'Erases a user for good: they are signed out and cannot come back as the same user, their messages become tombstones, their files go, and nothing names them any more. Asked again, it answers the erasure that is under way or done.',
  rest: 'POST /admin/users/{userId}/erasure',
  input: z.strictObject({ userId: UserId, reason }),
  output: Erasure,
  errors: ['user_not_found'],
})

export const GetErasure = operation({
  summary: 'How far the erasure of a user has come.',
  rest: 'GET /admin/users/{userId}/erasure',
  input: z.strictObject({ userId: UserId }),
  output: Erasure,
  errors: ['erasure_not_found'],
})

export const Export = z
  .object({
    id: z.uuid(),
    userId: UserId,
    requestedBy: UserId,
    requestedAt: Time,
    finishedAt: Time.nullable(),
    /** `expired`: it was kept for some days, and is to be asked for again. */
    state: z.enum(['pending', 'running', 'ready', 'expired']),
    steps: z.array(JobStep),
    /** Of the ZIP, in bytes; null before it is ready. */
    size: z.int().nullable(),
    /** Where the ZIP is, for a minute: JSON by service and kind, and the user's files. Null unless it is ready. */
    url: z.string().nullable(),
    /** When the ZIP is deleted. */
    keptUntil: Time.nullable(),
  })
  .meta({ id: 'Export' })
export type Export = z.infer<typeof Export>

export const ExportUser = operation({
  summary: 'Gathers all that is kept of a user in a ZIP. While one is under way, it answers that one.',
  rest: 'POST /admin/users/{userId}/export',
  input: z.strictObject({ userId: UserId }),
  output: Export,
  errors: ['user_not_found'],
})

export const GetExport = operation({
  summary: 'The last export of a user: how far it has come, or where it is.',
  rest: 'GET /admin/users/{userId}/export',
  input: z.strictObject({ userId: UserId }),
  output: Export,
  errors: ['export_not_found'],
})
