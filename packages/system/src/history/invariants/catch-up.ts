import type { Evidence, Violations } from '../evidence.ts'

/** I7: whatever a device has missed meanwhile, in the end it shows the list that the history is, from where it began. */
export function checkCatchUp({ recording, histories }: Evidence): Violations {
  return recording.sessions.flatMap(({ id: sessionId, shown }) =>
    shown.flatMap(({ conversationId, fromSequence, messages }) => {
      const expected = (histories.get(conversationId) ?? [])
        .filter(({ sequence }) => sequence >= fromSequence)
        .map(({ id, sequence }) => `${sequence} ${id}`)
      const has = messages.map(({ id, sequence }) => `${sequence} ${id}`)
      const wrong = Array.from({ length: Math.max(expected.length, has.length) }, (_, index) => index).find(
        (index) => expected[index] !== has[index],
      )
      if (wrong === undefined) return []
      const [shows, belongs] = [has[wrong] ?? 'nothing', expected[wrong] ?? 'nothing']
      return [`${sessionId} shows ${shows} in ${conversationId} where the history has ${belongs}`]
    }),
  )
}
