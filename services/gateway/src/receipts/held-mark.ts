import type { GatherTimes, Mark } from './pass-marks.ts'

/** What one connection has marked in one conversation and is not passed on yet. Times are those of `performance.now()`. */
export interface HeldMark {
  /** Its marks are 0: who and where. */
  readonly of: Mark
  deliveredSequence: number
  readSequence: number
  /** When the first of what is held came; Infinity while there is nothing. */
  deliveredSince: number
  readSince: number
  /** After a failure nothing is tried before this. */
  pausedUntil: number
  failures: number
  /** What was held before is on its way. */
  isPassing: boolean
}

export const newHeldMark = (of: Mark): HeldMark => ({
  of: { ...of, deliveredSequence: 0, readSequence: 0 },
  deliveredSequence: 0,
  readSequence: 0,
  deliveredSince: Infinity,
  readSince: Infinity,
  pausedUntil: 0,
  failures: 0,
  isPassing: false,
})

export const isEmpty = (held: HeldMark): boolean => held.deliveredSequence === 0 && held.readSequence === 0

export const dueAt = (held: HeldMark, { gatherReadMs, gatherDeliveredMs }: GatherTimes): number =>
  Math.max(held.pausedUntil, Math.min(held.deliveredSince + gatherDeliveredMs, held.readSince + gatherReadMs))

/** Adds to what is held. What is read was delivered: that needs not be said any more. */
export function raise(held: HeldMark, marked: Pick<Mark, 'deliveredSequence' | 'readSequence'>, since: number): void {
  if (marked.readSequence > held.readSequence) {
    held.readSequence = marked.readSequence
    held.readSince = Math.min(held.readSince, since)
  }
  if (marked.deliveredSequence > held.deliveredSequence) {
    held.deliveredSequence = marked.deliveredSequence
    held.deliveredSince = Math.min(held.deliveredSince, since)
  }
  if (held.deliveredSequence <= held.readSequence) {
    held.deliveredSequence = 0
    held.deliveredSince = Infinity
  }
}

/** All that is held, which is held no longer. */
export function take(held: HeldMark): Mark {
  const { deliveredSequence, readSequence } = held
  held.deliveredSequence = held.readSequence = 0
  held.deliveredSince = held.readSince = Infinity
  return { ...held.of, deliveredSequence, readSequence }
}

/** Whatever is held is due. */
export function hurry(held: HeldMark): void {
  if (held.deliveredSequence > 0) held.deliveredSince = -Infinity
  if (held.readSequence > 0) held.readSince = -Infinity
}
