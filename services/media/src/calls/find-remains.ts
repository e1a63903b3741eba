import type { Handler } from '@parley/bus'
import type { media } from '@parley/contracts'
import { cursorOf, placeOf } from '../domain/step-cursor.ts'
import {
  attachmentsLeft,
  eventsLeft,
  objectsLeft,
  ofErasedLeft,
  rowsLeft,
  untoldLeft,
  type Left,
  type Looking,
} from '../find-left.ts'

const looks = {
  users: ofErasedLeft,
  events: eventsLeft,
  rows: rowsLeft,
  outbox: untoldLeft,
  attachments: attachmentsLeft,
  objects: objectsLeft,
} satisfies Record<string, (using: Looking, after: string | null) => Promise<Left>>
type Step = keyof typeof looks
const STEPS = Object.keys(looks) as [Step, ...Step[]]

/** Each answer is a page of one of the ways to look. */
export const findRemains =
  (using: Omit<Looking, 'erasedUserIds'>): Handler<typeof media.calls.findRemains> =>
  async ({ erasedUserIds, cursor }) => {
    const { step, after } = placeOf(cursor, STEPS)
    const left = await looks[step]({ ...using, erasedUserIds }, after)
    const next = left.after === null ? STEPS[STEPS.indexOf(step) + 1] : step
    return {
      counts: left.counts,
      findings: [...left.findings],
      cursor: next === undefined ? null : cursorOf({ step: next, after: left.after }),
    }
  }
