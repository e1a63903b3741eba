import { tellHolds, tellLiveHoldsAgain, type TellingHolds } from '../holds/tell-holds.ts'
import { tellRules, tellUnconfirmedPolicies, type Telling } from '../policies/tell-policies.ts'

/** Before anything is destroyed messaging knows what is to be kept, also if it was put back to an earlier state meanwhile. */
export async function tellWhatIsKept(using: Telling & TellingHolds, signal: AbortSignal): Promise<void> {
  await tellRules(using)
  await tellUnconfirmedPolicies(using, signal)
  await tellLiveHoldsAgain(using)
  await tellHolds(using, 'all')
}
