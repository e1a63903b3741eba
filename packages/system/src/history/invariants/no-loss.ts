import type { Evidence, Violations } from '../evidence.ts'
import { sendsOf } from '../sends.ts'

/** I1: every acknowledged send is in the history of its conversation exactly once, and in the database. */
export function checkNoLoss({ recording, histories, database }: Evidence): Violations {
  const rows = Map.groupBy(database.messages, ({ id }) => id)
  const read = new Map(
    [...histories].map(([conversationId, messages]) => [conversationId, Map.groupBy(messages, ({ id }) => id)]),
  )
  return sendsOf(recording)
    .filter(({ acknowledgedAt }) => acknowledgedAt !== null)
    .flatMap(({ messageId, conversationId }) => {
      const inHistory = read.get(conversationId)?.get(messageId)?.length ?? 0
      const inDatabase = rows.get(messageId)?.length ?? 0
      return [
        ...(inHistory === 1 ? [] : [`${messageId} was acknowledged and is in the history ${inHistory} times`]),
        ...(inDatabase === 1 ? [] : [`${messageId} was acknowledged and is in the database ${inDatabase} times`]),
      ]
    })
}
