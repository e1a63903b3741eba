import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { applyEvent } from '../src/state/apply-event.ts'
import { applySync, questionOf } from '../src/state/apply-sync.ts'
import { emptyState, hasGap, type ChatState } from '../src/state/chat-state.ts'
import { Synchronizer } from '../src/synchronizer.ts'
import { me, ModelConversation } from './model-conversation.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const time = new Date(0).toISOString()
const send = { kind: 'send', by: 1, mentionsMe: false } as const

/** A state of one conversation, kept up to date by a synchronizer. */
function start(model: ModelConversation) {
  let state: ChatState = applyEvent(emptyState, {
    name: 'Welcome',
    payload: { connectionId: '', userId: me, serverTime: time },
  })
  const rounds: string[] = []
  const failures: unknown[] = []
  let isBusy = false
  const synchronizer = new Synchronizer({
    hub: {
      invoke: async (name: string) => {
        rounds.push(name)
        if (isBusy) throw new Error('busy')
        const asked = questionOf(state, state.conversations.keys())
        return { ...model.answer(asked), hasMore: false, nextCursor: null, serverTime: time } as never
      },
    },
    state: () => state,
    answered: (asked, answer) => {
      state = applySync(state, asked, answer)
    },
    listed: () => undefined,
    complete: () => undefined,
    failed: (error) => failures.push(error),
  })
  const visit = new AbortController()
  synchronizer.begin({ signal: visit.signal, welcomedAt: time })
  return {
    synchronizer,
    rounds,
    failures,
    setBusy: (busy: boolean) => {
      isBusy = busy
    },
    known: () => state.conversations.get(model.id)!,
    hear(place: number) {
      state = applyEvent(state, model.events.at(place)!)
      synchronizer.look(state.conversations.get(model.id)!)
    },
    leave() {
      visit.abort()
      synchronizer.end()
    },
  }
}

test('a gap that stays is closed, not at once and ever more rarely', async () => {
  const model = new ModelConversation()
  const client = start(model)
  await vi.advanceTimersByTimeAsync(0)
  for (const mostMs of [22_500, 45_000, 90_000]) {
    model.happen(send)
    model.happen(send)
    const before = client.rounds.length
    client.hear(-1)
    expect(hasGap(client.known())).toBe(true)
    await vi.advanceTimersByTimeAsync(mostMs / 3 - 1)
    expect(client.rounds).toHaveLength(before)
    await vi.advanceTimersByTimeAsync(mostMs)
    expect(client.rounds).toHaveLength(before + 1)
    expect(hasGap(client.known())).toBe(false)
  }
})

test('a gap that closes by itself costs nothing', async () => {
  const model = new ModelConversation()
  const client = start(model)
  await vi.advanceTimersByTimeAsync(0)
  model.happen(send)
  model.happen(send)
  client.hear(-1)
  client.hear(-2)
  await vi.advanceTimersByTimeAsync(600_000)
  expect(client.rounds).toEqual(['Sync'])
})

test('a server that is busy is asked again, until the connection ends', async () => {
  const model = new ModelConversation()
  const client = start(model)
  await vi.advanceTimersByTimeAsync(0)
  client.setBusy(true)
  client.synchronizer.require([model.id])
  await vi.advanceTimersByTimeAsync(120_000)
  expect(client.failures.length).toBeGreaterThan(3)
  client.leave()
  const { length } = client.rounds
  await vi.advanceTimersByTimeAsync(120_000)
  expect(client.rounds).toHaveLength(length)
  expect(vi.getTimerCount()).toBe(0)
})
