import { BusError, type Bus, type Handler } from '@parley/bus'
import { refuse, type Counts, type Finding, type messaging } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import { nextRemainsStep, readRemainsPlace, writeRemainsPlace } from '../domain/remains-place.ts'
import { lookForRemains } from '../remains/look-for-remains.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

const FINDINGS = 100
const LOOKED_AT_ONCE = 5_000
/** How long one answer takes, about. */
const PART_MS = 5_000

/** With queries of its own, by what is told and not by what was done: not by those that delete. */
export function findRemains(parts: {
  db: Db
  bus: Bus
  retention: Retention
}): Handler<(typeof messaging)['calls']['findRemains']> {
  return async ({ erasedUserIds, leaveDefaultToMonths = false, cursor }) => {
    const endsAt = performance.now() + PART_MS
    const now = parts.retention.now()
    const counts: Counts = {}
    const findings: Finding[] = []
    let place = readRemainsPlace(cursor)
    try {
      for (;;) {
        const { step, after } = place
        const looking = { now, erasedUserIds, leaveDefaultToMonths, after, limit: LOOKED_AT_ONCE }
        for await (const looked of lookForRemains(parts, step, looking)) {
          const { what, id } = looked
          const store = step === 'jetstream.events' ? 'jetstream' : 'postgres'
          if (id !== null) counts[step] = (counts[step] ?? 0) + 1
          if (id !== null && what !== null) findings.push({ store, what, id })
          place = { step, after: [...looked.place] }
          if (findings.length === FINDINGS || performance.now() >= endsAt) {
            return { counts, findings, cursor: writeRemainsPlace(place) }
          }
        }
        const next = nextRemainsStep(place)
        if (next === undefined) return { counts, findings, cursor: null }
        place = next
      }
    } catch (error) {
      if (isUnavailable(error) || error instanceof BusError) throw refuse.unavailable()
      throw error
    }
  }
}
