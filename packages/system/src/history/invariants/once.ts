import type { Evidence, Violations } from '../evidence.ts'
import { sendsOf } from '../sends.ts'

/** I3: a message is stored once under its id, and every acknowledgement of it says what the history says. */
export function checkOnce({ recording, histories, database }: Evidence): Violations {
  const messages = [...histories.values()].flat()
  const byId = Map.groupBy(messages, ({ id }) => id)
  const rows = Map.groupBy(database.messages, ({ id }) => id)
  const repeated = [...byId]
    .filter(([, entries]) => entries.length > 1)
    .map(([id, entries]) => `${id} is in the histories ${entries.length} times`)
  const repeatedRows = [...rows]
    .filter(([, entries]) => entries.length > 1)
    .map(([id, entries]) => `${id} is in the database ${entries.length} times`)

  const contradicted = sendsOf(recording).flatMap(({ messageId, acknowledgements }) => {
    const stored = byId.get(messageId)?.[0]
    const said = acknowledgements.map(({ id, sequence, createdAt }) => JSON.stringify([id, sequence, createdAt]))
    const different = new Set(said)
    if (different.size > 1) return [`${messageId} was acknowledged as ${[...different].join(' and as ')}`]
    if (said.length === 0 || stored === undefined) return []
    const inHistory = JSON.stringify([stored.id, stored.sequence, stored.createdAt])
    return inHistory === said[0] ? [] : [`${messageId} was acknowledged as ${said[0]} and history says ${inHistory}`]
  })
  return [...repeated, ...repeatedRows, ...contradicted]
}
