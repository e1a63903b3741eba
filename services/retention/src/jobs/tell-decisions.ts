import { once } from 'node:events'
import { repeat, type Logger } from '@parley/runtime'
import { tellHolds, type TellingHolds } from '../holds/tell-holds.ts'
import { tellUnconfirmedPolicies, type Telling } from '../policies/tell-policies.ts'

const EVERY_MS = 3_000

/** What the leader does until the signal: policies and holds that messaging could not be told are told again. */
export async function tellDecisions(
  using: Telling & TellingHolds & { log: Logger },
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return
  const pace = { everyMs: EVERY_MS, log: using.log }
  await using _policies = repeat('tell-policies', pace, (stopping) => tellUnconfirmedPolicies(using, stopping))
  await using _holds = repeat('tell-holds', pace, () => tellHolds(using, 'all'))
  await once(signal, 'abort')
}
