import type { Callers } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Clock, Logger } from '@parley/runtime'
import { longestDays } from './store/policies.ts'
import type { Db } from './store/tables.ts'

/** What is physically there longer than it may. */
export interface OldestMessage {
  /** When the oldest message that is stored was sent; null when there is none, undefined when it is not known. */
  createdAt(): Promise<Date | null | undefined>
  /**
   * Rejects when a message is stored that should be gone. Without an answer of messaging it resolves: that is not known here. So
   * it does for a while after the start: deleting what has expired while nobody was there is what this is started for.
   */
  check(): Promise<void>
}

const ASK_EVERY_MS = 60_000
const CATCH_UP_MS = 10 * 60_000
const DAY_MS = 24 * 60 * 60 * 1_000
/** What has expired is gone within a day. */
const GONE_WITHIN_DAYS = 1
/** A month goes two days after its end, when its first message is that much older than its last. */
const MONTH_DAYS = 31 + 2

export function watchOldestMessage(using: {
  db: Db
  messaging: Pick<Callers<typeof messaging>, 'oldestMessage'>
  leaveDefaultToMonths: boolean
  clock: Clock
  log: Logger
  catchUpMs?: number
}): OldestMessage {
  const { db, clock, log, catchUpMs = CATCH_UP_MS } = using
  const startedAt = performance.now()
  let asked = { at: -Infinity, createdAt: Promise.resolve<Date | null | undefined>(undefined) }

  async function ask(): Promise<Date | null | undefined> {
    try {
      const answer = await using.messaging.oldestMessage({})
      if (!answer.ok || answer.value.createdAt === null) return null
      return new Date(answer.value.createdAt)
    } catch (error) {
      log.debug({ error }, 'the oldest message is not known')
      return undefined
    }
  }

  function createdAt(): Promise<Date | null | undefined> {
    if (performance.now() - asked.at >= ASK_EVERY_MS) asked = { at: performance.now(), createdAt: ask() }
    return asked.createdAt
  }

  return {
    createdAt,
    async check() {
      if (performance.now() - startedAt < catchUpMs) return
      const oldest = await createdAt()
      if (oldest === undefined || oldest === null) return
      const days = (await longestDays(db)) + GONE_WITHIN_DAYS + (using.leaveDefaultToMonths ? MONTH_DAYS : 0)
      const goneBefore = clock.now().getTime() - days * DAY_MS
      if (oldest.getTime() < goneBefore) throw new Error(`a message of ${oldest.toISOString()} is still stored`)
    },
  }
}
