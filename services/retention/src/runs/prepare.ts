import { tellHoldsAgain, type TellingHolds } from '../holds/tell-holds.ts'
import { tellPoliciesAgain, type Telling } from '../policies/tell-policies.ts'

/** Before anything is destroyed messaging knows what is to be kept, also if it was put back to an earlier state meanwhile. */
export async function tellWhatIsKept(using: Telling & TellingHolds, signal: AbortSignal): Promise<void> {
  await tellPoliciesAgain(using, signal)
  await tellHoldsAgain(using, signal)
}
