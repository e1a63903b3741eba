import type { Bus, Callers } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { RunKind } from '@parley/protocol'
import type { Clock } from '@parley/runtime'
import type { S3 } from '@parley/s3'
import type { TellingHolds } from '../holds/tell-holds.ts'
import type { Telling } from '../policies/tell-policies.ts'
import { listErasedUserIds } from '../store/jobs.ts'
import { findOwnRemains } from '../store/own-remains.ts'
import type { Db } from '../store/tables.ts'
import { createMonths } from './create-months.ts'
import { dropMonths } from './drop-months.ts'
import { expire } from './expire.ts'
import { tellWhatIsKept } from './prepare.ts'
import type { Job } from './record-run.ts'
import { verify, type Owners } from './verify.ts'

/** What is done in a run of each kind. */
export function jobsOf(using: {
  db: Db
  bus: Bus
  s3: S3
  owners: Owners
  messaging: Pick<Callers<typeof messaging>, 'createMonths' | 'expireMessages' | 'dropMonths'> &
    Telling['messaging'] &
    TellingHolds['messaging']
  clock: Clock
  monthsAhead: number
  leaveDefaultToMonths: boolean
}): Readonly<Record<RunKind, Job>> {
  const { db } = using
  return {
    'create-months': () => createMonths(using),
    expire: async (note, signal) => {
      await tellWhatIsKept(using, signal)
      return expire({ ...using, note }, signal)
    },
    'drop-months': async (_note, signal) => {
      await tellWhatIsKept(using, signal)
      return dropMonths(using)
    },
    verify: (note, signal) =>
      verify(
        {
          ...using,
          listErasedUserIds: (page) => listErasedUserIds(db, page),
          findOwnRemains: () => findOwnRemains({ ...using, now: using.clock.now() }),
          note,
        },
        signal,
      ),
  }
}
