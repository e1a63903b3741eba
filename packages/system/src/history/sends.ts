import type { Acknowledged, Recording, SendAttempt } from './recording.ts'

/** All attempts to send one message: the same id, and the same said by the same user in the same place. */
export interface Send {
  readonly messageId: string
  readonly conversationId: string
  readonly userId: string
  readonly text: string
  readonly attempts: readonly SendAttempt[]
  readonly firstInvokedAt: number
  /** The answers of those that were acknowledged. */
  readonly acknowledgements: readonly Acknowledged[]
  /** When the first acknowledgement came. */
  readonly acknowledgedAt: number | null
  /** Every attempt was refused for certain. */
  readonly isRefused: boolean
}

/** In the order of their first attempts. */
export function sendsOf({ sends }: Recording): Send[] {
  const grouped = Map.groupBy(sends, (attempt) => keyOfSend({ ...attempt, id: attempt.messageId }))
  return [...grouped.values()].map(sendOf)
}

/** What makes two messages the same one. */
export function keyOfSend(sent: { id: string; conversationId: string; userId: string; text: string }): string {
  return JSON.stringify([sent.id, sent.conversationId, sent.userId, sent.text])
}

function sendOf(attempts: readonly SendAttempt[]): Send {
  const { messageId, conversationId, userId, text } = attempts[0]!
  const acknowledged = attempts.filter(({ outcome }) => outcome.kind === 'ok')
  return {
    messageId,
    conversationId,
    userId,
    text,
    attempts,
    firstInvokedAt: Math.min(...attempts.map(({ invokedAt }) => invokedAt)),
    acknowledgements: acknowledged.flatMap(({ outcome }) => (outcome.kind === 'ok' ? [outcome.answer] : [])),
    acknowledgedAt:
      acknowledged.length === 0 ? null : Math.min(...acknowledged.map(({ endedAt }) => endedAt ?? Infinity)),
    isRefused: attempts.every(({ outcome }) => outcome.kind === 'refused'),
  }
}
