import { must, type CallContext, type Callers } from '@parley/bus'
import type { messaging, presence, UserPresence } from '@parley/contracts'
import { limits } from '@parley/protocol'
import type { Relation } from './seen-state.ts'

/** What the gateway asks about users: how they are, and what they are to each other. */
export interface PresenceReader {
  statesOf(userIds: readonly string[], within?: CallContext): Promise<UserPresence[]>
  /** Of these users, what each is to one. */
  relationsOf(userId: string, otherIds: readonly string[], within?: CallContext): Promise<Map<string, Relation>>
}

export function createPresenceReader(calls: {
  presence: Pick<Callers<typeof presence>, 'getPresence'>
  messaging: Pick<Callers<typeof messaging>, 'listRelations'>
}): PresenceReader {
  return {
    async statesOf(userIds, within) {
      const states: UserPresence[] = []
      for (const page of pagesOf(userIds)) {
        states.push(...must(await calls.presence.getPresence({ userIds: page }, within)).states)
      }
      return states
    },
    async relationsOf(userId, otherIds, within) {
      const relations = new Map<string, Relation>(otherIds.map((otherId) => [otherId, 'none']))
      const others = [...relations.keys()].filter((otherId) => otherId !== userId)
      for (const page of pagesOf(others)) {
        const answer = must(await calls.messaging.listRelations({ userId, otherIds: page }, within))
        for (const related of answer.relations) relations.set(related.userId, related.isContact ? 'contact' : 'shared')
      }
      if (relations.has(userId)) relations.set(userId, 'self')
      return relations
    },
  }
}

function* pagesOf(userIds: readonly string[]): Generator<string[]> {
  for (let start = 0; start < userIds.length; start += limits.presencePerRequest) {
    yield userIds.slice(start, start + limits.presencePerRequest)
  }
}
