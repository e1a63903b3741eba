import {
  EraseUser,
  ExportUser,
  GetErasure,
  GetExport,
  ListHolds,
  ListRetentionPolicies,
  ListRuns,
  PlaceHold,
  PreviewRetentionPolicy,
  ReleaseHold,
  RunKind,
  SetRetentionPolicy,
  StartRun,
  Time,
  UserId,
} from '@parley/protocol'
import { z } from 'zod'
import { Actor } from './actor.ts'
import { call, contract, event } from './contract.ts'
import { Counts } from './personal-data.ts'

const actor = { actor: Actor }

/** How long. All calls are for administrators, of whom the gateway has made sure. */
export const retention = contract({
  service: 'retention',
  calls: {
    listRetentionPolicies: call({
      subject: 'retention.call.list-retention-policies',
      request: z.object({ ...actor, ...ListRetentionPolicies.input.shape }),
      reply: ListRetentionPolicies.output,
      errors: [...ListRetentionPolicies.errors, 'invalid_input', 'unavailable'],
      timeoutMs: 5_000,
    }),
    previewRetentionPolicy: call({
      subject: 'retention.call.preview-retention-policy',
      request: z.object({ ...actor, ...PreviewRetentionPolicy.input.shape }),
      reply: PreviewRetentionPolicy.output,
      errors: [...PreviewRetentionPolicy.errors, 'invalid_input', 'unavailable'],
      timeoutMs: 25_000,
    }),
    setRetentionPolicy: call({
      subject: 'retention.call.set-retention-policy',
      request: z.object({ ...actor, ...SetRetentionPolicy.input.shape }),
      reply: SetRetentionPolicy.output,
      errors: [...SetRetentionPolicy.errors, 'invalid_input', 'unavailable'],
      timeoutMs: 30_000,
    }),
    listHolds: call({
      subject: 'retention.call.list-holds',
      request: z.object({ ...actor, ...ListHolds.input.shape }),
      reply: ListHolds.output,
      errors: [...ListHolds.errors, 'invalid_input', 'unavailable'],
      timeoutMs: 5_000,
    }),
    placeHold: call({
      subject: 'retention.call.place-hold',
      request: z.object({ ...actor, ...PlaceHold.input.shape }),
      reply: PlaceHold.output,
      errors: [...PlaceHold.errors, 'invalid_input', 'unavailable'],
      timeoutMs: 20_000,
    }),
    releaseHold: call({
      subject: 'retention.call.release-hold',
      request: z.object({ ...actor, ...ReleaseHold.input.shape }),
      reply: ReleaseHold.output,
      errors: [...ReleaseHold.errors, 'unavailable'],
      timeoutMs: 20_000,
    }),
    listRuns: call({
      subject: 'retention.call.list-runs',
      request: z.object({ ...actor, ...ListRuns.input.shape }),
      reply: ListRuns.output,
      errors: [...ListRuns.errors, 'invalid_input', 'unavailable'],
      timeoutMs: 5_000,
    }),
    startRun: call({
      subject: 'retention.call.start-run',
      request: z.object({ ...actor, ...StartRun.input.shape }),
      reply: StartRun.output,
      errors: [...StartRun.errors, 'unavailable'],
      timeoutMs: 5_000,
    }),
    eraseUser: call({
      subject: 'retention.call.erase-user',
      request: z.object({ ...actor, ...EraseUser.input.shape }),
      reply: EraseUser.output,
      errors: [...EraseUser.errors, 'unavailable'],
      timeoutMs: 5_000,
    }),
    getErasure: call({
      subject: 'retention.call.get-erasure',
      request: z.object({ ...actor, ...GetErasure.input.shape }),
      reply: GetErasure.output,
      errors: [...GetErasure.errors, 'unavailable'],
      timeoutMs: 5_000,
    }),
    exportUser: call({
      subject: 'retention.call.export-user',
      request: z.object({ ...actor, ...ExportUser.input.shape }),
      reply: ExportUser.output,
      errors: [...ExportUser.errors, 'unavailable'],
      timeoutMs: 5_000,
    }),
    getExport: call({
      subject: 'retention.call.get-export',
      request: z.object({ ...actor, ...GetExport.input.shape }),
      reply: GetExport.output,
      errors: [...GetExport.errors, 'unavailable'],
      timeoutMs: 5_000,
    }),
  },
  events: {
    runFinished: event({
      subject: 'retention.event.run-finished',
      summary: 'A run of the work that retention does has ended.',
      payload: z.object({
        runId: z.uuid(),
        kind: RunKind,
        result: z.enum(['done', 'busy', 'remains', 'failed']),
        /** Names of the months made or dropped. */
        months: z.array(z.string()),
        /** What was done, by store and thing. */
        counts: Counts,
        startedAt: Time,
        endedAt: Time,
      }),
    }),
    decided: event({
      subject: 'retention.event.decided',
      summary:
        'An administrator has decided what is kept or erased, or was given what is kept of a user: for the audit log.',
      payload: z.object({
        /** Of this decision, however often it is told. */
        decisionId: z.uuid(),
        action: z.enum([
          'retention-policy-set',
          'retention-run-started',
          'hold-placed',
          'hold-released',
          'erasure-requested',
          'erasure-finished',
          'export-requested',
          'export-downloaded',
        ]),
        /** Null: what follows from an earlier decision. */
        actorId: UserId.nullable(),
        /** Whom it is about. */
        userId: UserId.nullable(),
        details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
        at: Time,
      }),
    }),
  },
  notices: {},
})
