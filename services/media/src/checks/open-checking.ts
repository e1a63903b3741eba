import type { EventRecord } from '@parley/bus'
import type { Outbox } from '@parley/postgres'
import { repeat, type Logger } from '@parley/runtime'
import { keysOf, pendingKey } from '../domain/object-keys.ts'
import { uploadOf } from '../store/upload-of.ts'
import { claimChecks, extendChecks, postponeCheck, settle, type Verdict } from '../store/checks.ts'
import { removeObjects } from '../store/objects.ts'
import type { Db, UploadRow } from '../store/tables.ts'
import { judgeUpload, type Judges } from './judge-upload.ts'
import { WaitingForVerdicts } from './waiting-for-verdicts.ts'

/** The queue of checks stands in the database: all instances work on it, and what one was doing when it died, another does. */
export interface Checking extends AsyncDisposable {
  /** There is one more to do. */
  hurry(): void
  /** The upload once it is checked, wherever that happens; undefined when that takes longer. */
  verdictOf(id: string, withinMs: number): Promise<UploadRow | undefined>
  /** How many are being checked here. */
  readonly atWork: number
}

const LOOK_EVERY_MS = 1_000
/** Who has not extended it for so long is dead. */
const LEASE_MS = 30_000
const EXTEND_EVERY_MS = 8_000
/** Parts of a check have shorter limits of their own: this is for an S3 or a scanner that is hardly there. */
const CHECK_TIMEOUT_MS = 10 * 60_000
/** A check that so many processes have died of is not begun again. */
const MOST_ATTEMPTS = 3

export function openChecking(
  options: Judges & {
    db: Db
    outbox: Outbox<EventRecord>
    /** An upload is settled since just now. */
    tell: (upload: UploadRow) => void
    log: Logger
  },
): Checking {
  const { db, s3, inspector, outbox, tell, log } = options
  const atWork = new Map<string, Promise<void>>()
  const waiting = new WaitingForVerdicts(db, log)

  async function judge(row: UploadRow, signal: AbortSignal): Promise<Verdict> {
    // The one before it may have died of this very file.
    if (row.checkAttempts > MOST_ATTEMPTS) return { state: 'rejected', reason: 'too_much_to_check' }
    return judgeUpload(options, row, AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]))
  }

  async function check(row: UploadRow, signal: AbortSignal): Promise<void> {
    try {
      const { upload, events } = await settle(db, row.id, await judge(row, signal))
      if (upload === undefined) return
      if (events.length > 0) {
        await outbox.send(events)
        sayOf(upload)
      }
      waiting.settled(upload)
      await tidyUp(upload)
    } catch (error) {
      log.warn({ error, uploadId: row.id }, 'upload could not be checked, it will be tried again')
      await postponeCheck(db, row.id)
    }
  }

  function sayOf(upload: UploadRow): void {
    try {
      tell(upload)
    } catch (error) {
      log.debug({ error, uploadId: upload.id }, 'nobody hears of a verdict now')
    }
  }

  /**
   * What was posted is not needed any more, nor are copies made by a check whose verdict came second. What cannot be removed
   * now is left to housekeeping: nobody is given a link to it.
   */
  async function tidyUp(row: UploadRow): Promise<void> {
    const upload = uploadOf(row)
    try {
      await removeObjects(s3, row.state === 'ready' ? [pendingKey(upload)] : keysOf(upload))
    } catch (error) {
      log.warn({ error, uploadId: row.id }, 'objects left behind')
    }
  }

  const looking = repeat('checks', { everyMs: LOOK_EVERY_MS, log }, async (signal) => {
    const free = inspector.atOnce - atWork.size
    if (free <= 0 || signal.aborted) return
    for (const row of await claimChecks(db, free, LEASE_MS)) {
      const checked = check(row, signal)
        .catch((error: unknown) => log.warn({ error, uploadId: row.id }, 'check ended badly, another one follows'))
        .finally(() => {
          atWork.delete(row.id)
          looking.hurry()
        })
      atWork.set(row.id, checked)
    }
  })
  const extending = repeat('check-leases', { everyMs: EXTEND_EVERY_MS, log }, () =>
    extendChecks(db, [...atWork.keys()], LEASE_MS),
  )

  return {
    hurry: () => looking.hurry(),
    verdictOf: (id, withinMs) => waiting.verdictOf(id, withinMs),
    get atWork() {
      return atWork.size
    },
    async [Symbol.asyncDispose]() {
      await looking[Symbol.asyncDispose]()
      await Promise.all(atWork.values())
      await extending[Symbol.asyncDispose]()
      await waiting[Symbol.asyncDispose]()
    },
  }
}
