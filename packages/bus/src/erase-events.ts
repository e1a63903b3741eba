import type { Contract } from '@parley/contracts'
import type { Bus } from './bus.ts'
import { eraseEvent, storedEvents, type WhichEvents } from './stored-events.ts'

export interface ErasedEvents {
  readonly erased: number
  /** The place in the stream up to which all are erased; null: to its end. */
  readonly after: number | null
}

/** Of one going through a stream: overwriting takes longer than finding. */
const DELETES_AT_ONCE = 32

/**
 * Deletes events from the service's own stream and overwrites what they said. Those that come meanwhile are passed over.
 * Answers how many; a stream that does not exist has none.
 */
export async function eraseEvents(bus: Bus, contract: Contract, which: WhichEvents): Promise<number> {
  return (await erasePartOfEvents(bus, contract, { ...which, after: 0, isEnough: () => false })).erased
}

/** The same from a place in the stream on, until it was enough: for what must answer in time, and goes on later. */
export async function erasePartOfEvents(
  bus: Bus,
  contract: Contract,
  which: WhichEvents & { readonly after: number; readonly isEnough: () => boolean },
): Promise<ErasedEvents> {
  const deleting = new Set<Promise<void>>()
  const failures: unknown[] = []
  let erased = 0
  let after: number | null = null

  async function erase(sequence: number): Promise<void> {
    try {
      if (await eraseEvent(bus, contract, sequence)) erased += 1
    } catch (error) {
      failures.push(error)
    }
  }

  for await (const { sequence, isOf } of storedEvents(bus, contract, which, which.after)) {
    if (isOf) {
      const one: Promise<void> = erase(sequence).finally(() => deleting.delete(one))
      deleting.add(one)
      if (deleting.size >= DELETES_AT_ONCE) await Promise.race(deleting)
    }
    if (failures.length > 0) break
    if (which.isEnough()) {
      after = sequence
      break
    }
  }
  await Promise.all(deleting)
  if (failures.length > 0) throw failures[0]
  return { erased, after }
}

/** The places in the service's own stream of at most so many events, the oldest first. */
export async function findEvents(
  bus: Bus,
  contract: Contract,
  which: WhichEvents & { readonly most: number },
): Promise<number[]> {
  return (await findPartOfEvents(bus, contract, { ...which, after: 0, isEnough: () => false })).found
}

/** The same from a place in the stream on, until it was enough: for what must answer in time, and goes on later. */
export async function findPartOfEvents(
  bus: Bus,
  contract: Contract,
  which: WhichEvents & { readonly most: number; readonly after: number; readonly isEnough: () => boolean },
): Promise<{ readonly found: number[]; readonly after: number | null }> {
  const found: number[] = []
  for await (const { sequence, isOf } of storedEvents(bus, contract, which, which.after)) {
    if (isOf) found.push(sequence)
    if (found.length >= which.most || which.isEnough()) return { found, after: sequence }
  }
  return { found, after: null }
}
