import { randomUUID } from 'node:crypto'
import { flush, notify, serve, type Bus } from '@parley/bus'
import { presence, type PresenceNotice, type UserPresence } from '@parley/contracts'
import type { Status } from '@parley/protocol'
import { unknownUser } from '../src/presence/seen-state.ts'

/** Stands in for `presence`: users as a test says they are, and changes that are told, or lost on the way. */
export interface TestPresence extends AsyncDisposable {
  /** Changes how a user is, and tells it. */
  change(userId: string, change: Partial<UserPresence>): Promise<void>
  /** Changes how a user is, in a notice that is lost. */
  lose(userId: string, change: Partial<UserPresence>): void
  /** What the sender says every second. */
  beat(): Promise<void>
  /** Says a change again that was said before. */
  repeat(state: UserPresence): Promise<void>
  stateOf(userId: string): UserPresence
  /** Whether it can be told of everybody how they are. */
  whole: boolean
  /** How often states were asked for. */
  readonly asked: () => number
  /** Happens before the next answer to a question for states. */
  beforeAnswer: (() => Promise<void>) | undefined
  readonly chosen: Map<string, Partial<Status> | undefined>
}

export async function startTestPresence(bus: Bus): Promise<TestPresence> {
  const senderId = randomUUID()
  const states = new Map<string, UserPresence>()
  let [number, version, asked] = [0, 0, 0]

  const stateOf = (userId: string): UserPresence =>
    states.get(userId) ?? { ...unknownUser(userId), visibleTo: 'everyone' }
  function become(userId: string, change: Partial<UserPresence>): UserPresence {
    const state = { ...stateOf(userId), ...change, version: ++version }
    states.set(userId, state)
    return state
  }
  async function say(changes: readonly UserPresence[]): Promise<void> {
    const notice: PresenceNotice = { senderId, number, whole: standIn.whole, changes: [...changes] }
    notify(bus, presence.notices.changed, {}, new TextEncoder().encode(JSON.stringify(notice)))
    await flush(bus)
  }

  const standIn: TestPresence = {
    whole: true,
    beforeAnswer: undefined,
    chosen: new Map(),
    asked: () => asked,
    stateOf,
    async change(userId, change) {
      number += 1
      await say([become(userId, change)])
    },
    lose(userId, change) {
      number += 1
      become(userId, change)
    },
    beat: () => say([]),
    repeat(state) {
      number += 1
      return say([state])
    },
    [Symbol.asyncDispose]: () => serving[Symbol.asyncDispose](),
  }
  const chosenBy = (userId: string): Status => ({
    status: 'online',
    text: null,
    until: null,
    visibleTo: 'everyone',
    ...standIn.chosen.get(userId),
  })
  const serving = await serve(bus, presence, {
    async getPresence({ userIds }) {
      asked += 1
      const answer = userIds.map(stateOf)
      await standIn.beforeAnswer?.()
      standIn.beforeAnswer = undefined
      return { states: answer }
    },
    getStatus: async ({ actor }) => chosenBy(actor.userId),
    async setStatus({ actor, status, ...others }) {
      const change = { ...others, ...(status !== undefined && status !== 'away' && { status }) }
      standIn.chosen.set(actor.userId, { ...standIn.chosen.get(actor.userId), ...(change as Partial<Status>) })
      return chosenBy(actor.userId)
    },
  })
  return standIn
}
