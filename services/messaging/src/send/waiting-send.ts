import type { ReplyOf, messaging } from '@parley/contracts'
import type { Send } from '../domain/send.ts'

/** The message as stored, or why not. */
export type SendOutcome = ReplyOf<(typeof messaging)['calls']['sendMessages']>['results'][number]

export interface WaitingSend {
  readonly send: Send
  /** Its caller has stopped waiting. */
  isExpired(): boolean
  settle(outcome: SendOutcome): void
  /** Its conversation gets nowhere: somebody else holds it for long. */
  stall(): void
  /** Its conversation was held by somebody else when a group came to it. */
  wasBusy: boolean
  /** Something was wrong with a write it was part of: the next one is of this send alone. */
  isolated: boolean
}
