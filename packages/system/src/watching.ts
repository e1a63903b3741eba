import type { HubEvent, PresenceState } from '@parley/protocol'
import { join, type Participant } from './participant.ts'

export type Status = PresenceState['status']

/** A change of presence as it reached a client. */
export interface SeenChange {
  readonly userId: string
  readonly status: Status
  /** By `performance.now()`. */
  readonly atMs: number
}

/** A participant who watches the presence of others, through every reconnect of their own. */
export interface Watcher extends Participant {
  /** What was told, in order. What is read again after a reconnect is no change. */
  readonly changes: readonly SeenChange[]
  /** Watches these as well. */
  watch(userIds: readonly string[]): Promise<void>
  /** How a user is seen now, by what was answered and told. */
  statusOf(userId: string): Status | undefined
  changesOf(userId: string): readonly SeenChange[]
}

export async function joinToWatch(gatewayUrl: string, name: string): Promise<Watcher> {
  const changes: SeenChange[] = []
  const states = new Map<string, PresenceState>()
  const watched = new Set<string>()

  const participant = await join(gatewayUrl, name, {
    prepare(connection) {
      connection.on('PresenceChanged', (told: HubEvent<'PresenceChanged'>) => {
        for (const state of told) {
          states.set(state.userId, state)
          changes.push({ userId: state.userId, status: state.status, atMs: performance.now() })
        }
      })
      connection.onreconnected(() => void ask([...watched]).catch(() => undefined))
    },
  })

  async function ask(userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return
    const answer = await participant.persist<{ states: PresenceState[] }>('WatchPresence', { userIds })
    for (const state of answer.states) states.set(state.userId, state)
  }

  return {
    ...participant,
    changes,
    async watch(userIds) {
      for (const userId of userIds) watched.add(userId)
      await ask(userIds)
    },
    statusOf: (userId) => states.get(userId)?.status,
    changesOf: (userId) => changes.filter((change) => change.userId === userId),
  }
}
