import { z } from 'zod'

/** What is gone through, one after another. */
export const erasureSteps = ['conversations', 'relations', 'events'] as const

/** How far an erasure has come: what is asked again with it, and means nothing to who asks. */
const ErasureCursor = z.object({
  step: z.enum(erasureSteps),
  /** The last conversation that this step is done with; null: none. */
  after: z.uuid().nullable(),
  /** How far it is with the events of one that comes after it. */
  events: z.object({ conversationId: z.uuid(), after: z.int() }).nullable(),
  /** Whether something was found since the first step. */
  found: z.boolean(),
})
export type ErasureCursor = z.infer<typeof ErasureCursor>

const beginning = { after: null, events: null }

export const firstErasureCursor: ErasureCursor = { step: erasureSteps[0], ...beginning, found: false }

export const writeErasureCursor = (cursor: ErasureCursor): string => JSON.stringify(cursor)

/** One that cannot be read begins anew, which does no harm. */
export function readErasureCursor(text: string | null): ErasureCursor {
  try {
    return ErasureCursor.parse(JSON.parse(text ?? ''))
  } catch {
    return firstErasureCursor
  }
}

/** The beginning of the next step; undefined after the last. */
export function nextErasureStep({ step, found }: ErasureCursor): ErasureCursor | undefined {
  const next = erasureSteps[erasureSteps.indexOf(step) + 1]
  return next && { step: next, ...beginning, found }
}
