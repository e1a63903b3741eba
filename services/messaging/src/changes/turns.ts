import { refuse } from '@parley/contracts'

/** Changes of one conversation one after another, those of different conversations side by side. */
export interface Turns {
  /**
   * Runs `work` when all that came before it for this conversation is done. Refuses as `overloaded` when too much waits, and
   * as `unavailable` what has waited for so long that its caller has given up.
   */
  inTurn<Result>(conversationId: string, work: () => Promise<Result>): Promise<Result>
}

/** Of one instance, waiting or at work. */
const MAX_CHANGES = 2_000
/** Of one conversation: a stuck one must not take all places. */
const MAX_OF_CONVERSATION = 500
/** A little less than callers wait: nothing is begun for those who have gone. */
const MAX_WAIT_MS = 3_500

/**
 * Changes lock their conversation in the database; whoever waited there would hold a connection meanwhile. So those of this
 * process wait here, and of each conversation one at a time has a connection.
 */
export function openTurns(bounds: { changes?: number; ofConversation?: number; waitMs?: number } = {}): Turns {
  const { changes: maxChanges = MAX_CHANGES, ofConversation = MAX_OF_CONVERSATION, waitMs = MAX_WAIT_MS } = bounds
  const lasts = new Map<string, { done: Promise<unknown>; waiting: number }>()
  let changes = 0

  return {
    async inTurn(conversationId, work) {
      const last = lasts.get(conversationId) ?? { done: Promise.resolve(), waiting: 0 }
      if (changes >= maxChanges || last.waiting >= ofConversation) throw refuse.overloaded({ retryAfterMs: 1_000 })
      changes += 1
      last.waiting += 1
      lasts.set(conversationId, last)
      const since = performance.now()
      const result = last.done.then(() => {
        if (performance.now() - since > waitMs) throw refuse.unavailable()
        return work()
      })
      last.done = result.catch(() => undefined)
      try {
        return await result
      } finally {
        changes -= 1
        last.waiting -= 1
        if (last.waiting === 0) lasts.delete(conversationId)
      }
    },
  }
}
