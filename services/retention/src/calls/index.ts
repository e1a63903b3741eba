import type { Callers, EventRecord, Handlers } from '@parley/bus'
import type { auth, messaging, retention } from '@parley/contracts'
import type { Outbox } from '@parley/postgres'
import type { Clock } from '@parley/runtime'
import type { S3 } from '@parley/s3'
import type { Db } from '../store/tables.ts'
import { eraseUser } from './erase-user.ts'
import { exportUser } from './export-user.ts'
import { getErasure } from './get-erasure.ts'
import { getExport } from './get-export.ts'
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
  s3: S3
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
    eraseUser: eraseUser(parts),
    getErasure: getErasure(parts),
    exportUser: exportUser(parts),
    getExport: getExport(parts),
  }) satisfies Handlers<typeof retention>
