import type { Bus } from '@parley/bus'
import type { RemainsStep } from '../domain/remains-place.ts'
import {
  remainingBlocks,
  remainingEdits,
  remainingHeld,
  remainingMemberships,
  remainingMentions,
  remainingMessages,
  remainingMonths,
  remainingOutbox,
  remainingReactions,
  remainingReads,
  type LookedAt,
  type Looking,
} from '../store/remains.ts'
import type { Db } from '../store/tables.ts'
import { remainingEvents } from './remaining-events.ts'

const looks = {
  'postgres.messages': remainingMessages,
  'postgres.edits': remainingEdits,
  'postgres.reactions': remainingReactions,
  'postgres.reads': remainingReads,
  'postgres.mentions': remainingMentions,
  'postgres.held': remainingHeld,
  'postgres.months': remainingMonths,
  'postgres.memberships': remainingMemberships,
  'postgres.blocks': remainingBlocks,
  'postgres.outbox': remainingOutbox,
} as const satisfies Record<Exclude<RemainsStep, 'jetstream.events'>, unknown>

/** Everything of one step after a place, in order: each that was looked at. */
export async function* lookForRemains(
  { db, bus }: { db: Db; bus: Bus },
  step: RemainsStep,
  looking: Looking,
): AsyncGenerator<LookedAt> {
  if (step === 'jetstream.events') return yield* remainingEvents(bus, db, looking)
  let { after } = looking
  for (;;) {
    const page = await looks[step](db, { ...looking, after })
    yield* page
    if (page.length < looking.limit) return
    after = page.at(-1)!.place
  }
}
