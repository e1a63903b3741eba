import { Refused } from '@parley/contracts'
import type { Message } from '@parley/protocol'
import type { Reacted, Reacting } from './react.ts'
import type { Turns } from './turns.ts'

/** Gathers reactions of one conversation while it is being changed: they go together, in its next turn. */
export interface Reactions {
  react(conversationId: string, reacting: Reacting): Promise<Message>
}

interface Waiting {
  readonly reacting: Reacting
  readonly resolve: (message: Message) => void
  readonly reject: (error: unknown) => void
}

/** Of one transaction. */
const MAX_AT_ONCE = 500

export function gatherReactions(options: {
  turns: Turns
  /** Commits reactions of one conversation, tells of them, and answers for each in order. */
  write: (conversationId: string, reactions: readonly Reacting[]) => Promise<Reacted['results']>
}): Reactions {
  const { turns, write } = options
  const waitingOf = new Map<string, Waiting[]>()

  async function writeNext(conversationId: string): Promise<void> {
    const waiting = waitingOf.get(conversationId) ?? []
    const taken = waiting.splice(0, MAX_AT_ONCE)
    if (waiting.length === 0) waitingOf.delete(conversationId)
    // Another turn has taken them along.
    if (taken.length === 0) return
    try {
      const results = await write(
        conversationId,
        taken.map(({ reacting }) => reacting),
      )
      taken.forEach(({ resolve, reject }, index) => {
        const result = results[index]!
        if (result instanceof Refused) reject(result)
        else resolve(result)
      })
    } catch (error) {
      for (const { reject } of taken) reject(error)
    }
  }

  return {
    react(conversationId, reacting) {
      const { promise, resolve, reject } = Promise.withResolvers<Message>()
      const entry: Waiting = { reacting, resolve, reject }
      const turn = turns.inTurn(conversationId, () => writeNext(conversationId))
      const waiting = waitingOf.get(conversationId) ?? []
      waiting.push(entry)
      waitingOf.set(conversationId, waiting)
      turn.catch((error: unknown) => {
        const index = waiting.indexOf(entry)
        if (index >= 0) waiting.splice(index, 1)
        if (waiting.length === 0 && waitingOf.get(conversationId) === waiting) waitingOf.delete(conversationId)
        reject(error)
      })
      return promise
    },
  }
}
