import type { Evidence, Violations } from '../evidence.ts'
import { keyOfSend, sendsOf } from '../sends.ts'

/** I8: what was refused for certain is stored nowhere; of what nobody knows there is one at most. */
export function checkUnacknowledged({ recording, histories, database }: Evidence): Violations {
  const stored = [...[...histories.values()].flat(), ...database.messages]
  const storedKeys = new Set(stored.map((message) => keyOfSend({ ...message, userId: message.senderId })))
  const counts = Map.groupBy([...histories.values()].flat(), ({ id }) => id)
  return sendsOf(recording).flatMap((send) => {
    const { messageId: id, isRefused, acknowledgedAt } = send
    if (isRefused) return storedKeys.has(keyOfSend({ ...send, id })) ? [`${id} was refused and is stored`] : []
    const times = counts.get(id)?.length ?? 0
    if (acknowledgedAt !== null || times <= 1) return []
    return [`${id} was not acknowledged and is in the histories ${times} times`]
  })
}
