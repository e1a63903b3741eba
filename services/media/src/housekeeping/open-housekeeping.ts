import { repeat, type Logger } from '@parley/runtime'
import type { S3 } from '@parley/s3'
import type { Db } from '../store/tables.ts'
import { deleteOrphans, type Owners } from './delete-orphans.ts'
import { reconcile } from './reconcile.ts'
import { removeDeleted } from './remove-objects.ts'

/** Sees to it that nothing stays that is not needed, and that bucket and table agree. Instances share the work. */
export interface Housekeeping extends AsyncDisposable {
  /** There is something to be removed. */
  removeSoon(): void
}

const REMOVE_EVERY_MS = 10_000
const ORPHANS_EVERY_MS = 10 * 60_000
const LOOK_FOR_RECONCILIATION_EVERY_MS = 10 * 60_000
const RETRY_MS = 30_000

export function openHousekeeping(
  options: Owners & {
    db: Db
    s3: S3
    /** What nobody has used for so long is deleted. */
    orphanAfterMs: number
    formLifetimeMs: number
    partsLifetimeMs: number
    settlingMs: number
    log: Logger
  },
): Housekeeping {
  const { formLifetimeMs, partsLifetimeMs, log } = options
  const writableMs = Math.max(formLifetimeMs, partsLifetimeMs)
  const stack = new AsyncDisposableStack()
  const removing = stack.use(
    repeat('removal', { everyMs: REMOVE_EVERY_MS, log }, (signal) => removeDeleted({ ...options, writableMs }, signal)),
  )
  stack.use(
    repeat('orphans', { everyMs: ORPHANS_EVERY_MS, retryMs: RETRY_MS, log }, async (signal) => {
      await deleteOrphans(options, signal)
      removing.hurry()
    }),
  )
  stack.use(
    repeat('reconciliation', { everyMs: LOOK_FOR_RECONCILIATION_EVERY_MS, log }, (signal) =>
      reconcile(options, signal),
    ),
  )
  return { removeSoon: () => removing.hurry(), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
