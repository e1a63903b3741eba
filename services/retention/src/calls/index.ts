import type { Callers, EventRecord, Handlers } from '@parley/bus'
import type { auth, messaging, retention } from '@parley/contracts'
import type { Outbox } from '@parley/postgres'
import type { Clock } from '@parley/runtime'
import type { Db } from '../store/tables.ts'
import { listHolds } from './list-holds.ts'
import { listRetentionPolicies } from './list-retention-policies.ts'
import { listRuns } from './list-runs.ts'
import { placeHold } from './place-hold.ts'
import { previewRetentionPolicy } from './preview-retention-policy.ts'
import { releaseHold } from './release-hold.ts'
import { setRetentionPolicy } from './set-retention-policy.ts'
import { startRun } from './start-run.ts'

/** All calls of the contract. Each takes from `parts` the few things it uses. */
export const callsOf = (parts: {
  db: Db
  outbox: Outbox<EventRecord>
  auth: Pick<Callers<typeof auth>, 'getUsers'>
  messaging: Callers<typeof messaging>
  clock: Clock
  confirmAbove: number
}) =>
  ({
    listRetentionPolicies: listRetentionPolicies(parts),
    previewRetentionPolicy: previewRetentionPolicy(parts),
    setRetentionPolicy: setRetentionPolicy(parts),
    listHolds: listHolds(parts),
    placeHold: placeHold(parts),
    releaseHold: releaseHold(parts),
    listRuns: listRuns(parts),
    startRun: startRun(parts),
  }) satisfies Partial<Handlers<typeof retention>>
