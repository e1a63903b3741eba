import type { Evidence, Violations } from '../evidence.ts'

/** I4: sequences of a conversation are 1, 2, 3 … without holes or repeats, up to the one it says is its last. */
export function checkGapless({ histories, database }: Evidence): Violations {
  const rows = Map.groupBy(database.messages, ({ conversationId }) => conversationId)
  return database.conversations.flatMap(({ id, lastSequence }) => {
    const stored = (rows.get(id) ?? []).map(({ sequence }) => sequence).toSorted((a, b) => a - b)
    const read = (histories.get(id) ?? []).map(({ sequence }) => sequence)
    return [
      ...broken(`the database of ${id}`, stored, lastSequence),
      ...(histories.has(id) ? broken(`the history of ${id}`, read, lastSequence) : []),
    ]
  })
}

function broken(where: string, sequences: readonly number[], lastSequence: number): Violations {
  const wrong = sequences.findIndex((sequence, index) => sequence !== index + 1)
  if (wrong >= 0) return [`${where} has ${sequences[wrong]} where ${wrong + 1} belongs`]
  if (sequences.length === lastSequence) return []
  return [`${where} ends at ${sequences.length}, and the conversation's last sequence is ${lastSequence}`]
}
