import { recordOf, type EventRecord } from '@parley/bus'
import { retention, type PayloadOf } from '@parley/contracts'
import { v7 } from 'uuid'

type Decided = PayloadOf<typeof retention.events.decided>

/** What an administrator has decided, as the audit log is told it: to be written in the transaction of the decision. */
export function decided(decision: Omit<Decided, 'decisionId' | 'at'> & { at: Date }): EventRecord {
  return recordOf(retention.events.decided, {}, { decisionId: v7(), ...decision, at: decision.at.toISOString() })
}
