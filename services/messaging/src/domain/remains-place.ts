import { z } from 'zod'

/** What is looked through, one after another, and the names by which it is counted. */
export const remainsSteps = [
  'postgres.messages',
  'postgres.edits',
  'postgres.reactions',
  'postgres.reads',
  'postgres.mentions',
  'postgres.held',
  'postgres.months',
  'postgres.memberships',
  'postgres.blocks',
  'postgres.outbox',
  'jetstream.events',
] as const
export type RemainsStep = (typeof remainsSteps)[number]

/** The last that was looked at. It means nothing to who asks with it. */
const RemainsPlace = z.object({ step: z.enum(remainsSteps), after: z.array(z.string()).nullable() })
export type RemainsPlace = z.infer<typeof RemainsPlace>

export const writeRemainsPlace = (place: RemainsPlace): string => JSON.stringify(place)

/** One that cannot be read begins anew. */
export function readRemainsPlace(text: string | null): RemainsPlace {
  try {
    return RemainsPlace.parse(JSON.parse(text ?? ''))
  } catch {
    return { step: remainsSteps[0], after: null }
  }
}

/** The beginning of the next step; undefined after the last. */
export function nextRemainsStep({ step }: RemainsPlace): RemainsPlace | undefined {
  const next = remainsSteps[remainsSteps.indexOf(step) + 1]
  return next && { step: next, after: null }
}
