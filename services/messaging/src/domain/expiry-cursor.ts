import { z } from 'zod'

/** What is gone through, one after another. */
export const expirySteps = [
  'messages-direct',
  'messages-group',
  'messages-channel',
  'own',
  'files-direct',
  'files-group',
  'files-channel',
  'held',
] as const
export type ExpiryStep = (typeof expirySteps)[number]

/** How far an expiry has come: what is asked again with it, and means nothing to who asks. */
const ExpiryCursor = z.object({
  step: z.enum(expirySteps),
  /** The last that this step is done with; null: none. */
  at: z.iso.datetime().nullable(),
  id: z.uuid().nullable(),
  /** Whether something was passed over because others had it. */
  busy: z.boolean(),
})
export type ExpiryCursor = z.infer<typeof ExpiryCursor>

export const firstExpiryCursor: ExpiryCursor = { step: expirySteps[0], at: null, id: null, busy: false }

export const writeExpiryCursor = (cursor: ExpiryCursor): string => JSON.stringify(cursor)

/** One that cannot be read begins anew, which does no harm. */
export function readExpiryCursor(text: string | null): ExpiryCursor {
  try {
    return ExpiryCursor.parse(JSON.parse(text ?? ''))
  } catch {
    return firstExpiryCursor
  }
}

/** The beginning of the next step; undefined after the last. */
export function nextExpiryStep({ step, busy }: ExpiryCursor): ExpiryCursor | undefined {
  const next = expirySteps[expirySteps.indexOf(step) + 1]
  return next && { step: next, at: null, id: null, busy }
}
