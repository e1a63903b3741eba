import type { Evidence, Violations } from '../evidence.ts'
import { sendsOf, type Send } from '../sends.ts'

/** I5: what was sent after something else had been acknowledged comes after it; and what a device sent comes in its order. */
export function checkRealTimeOrder({ recording, histories }: Evidence): Violations {
  const sends = sendsOf(recording)
  return [...histories].flatMap(([conversationId, messages]) => {
    const sequences = new Map(messages.map(({ id, sequence }) => [id, sequence]))
    const placed = sends
      .filter((send) => send.conversationId === conversationId)
      .flatMap((send) => {
        const sequence = sequences.get(send.messageId)
        return sequence === undefined ? [] : [{ send, sequence }]
      })
    return [...overtaken(placed), ...unpipelined(placed)]
  })
}

interface Placed {
  readonly send: Send
  readonly sequence: number
}

/** Goes through time once: the highest sequence acknowledged so far must be below that of each send that begins. */
function overtaken(placed: readonly Placed[]): Violations {
  const begun = placed.toSorted((a, b) => a.send.firstInvokedAt - b.send.firstInvokedAt)
  const acknowledged = placed
    .flatMap(({ send, sequence }) =>
      send.acknowledgedAt === null ? [] : [{ send, sequence, at: send.acknowledgedAt }],
    )
    .toSorted((a, b) => a.at - b.at)
  let next = 0
  let highest: Placed | undefined
  return begun.flatMap(({ send, sequence }) => {
    for (; next < acknowledged.length && acknowledged[next]!.at < send.firstInvokedAt; next += 1) {
      if (acknowledged[next]!.sequence > (highest?.sequence ?? 0)) highest = acknowledged[next]
    }
    if (highest === undefined || highest.sequence < sequence) return []
    return [
      `${send.messageId} (${sequence}) was begun after ${highest.send.messageId} (${highest.sequence}) was acknowledged`,
    ]
  })
}

/** Only of those that were acknowledged at their first attempt: one that has to try again may fall behind. */
function unpipelined(placed: readonly Placed[]): Violations {
  const highest = new Map<string, number>()
  return placed.flatMap(({ send, sequence }) => {
    const [attempt, ...others] = send.attempts
    if (attempt?.outcome.kind !== 'ok' || others.length > 0) return []
    const before = highest.get(attempt.sessionId) ?? 0
    highest.set(attempt.sessionId, Math.max(before, sequence))
    if (sequence > before) return []
    return [`${send.messageId} (${sequence}) was sent by ${attempt.sessionId} after what has sequence ${before}`]
  })
}
