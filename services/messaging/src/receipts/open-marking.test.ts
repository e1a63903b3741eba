import { expect, test, vi } from 'vitest'
import { markOf, type Mark } from '../domain/receipts.ts'
import type { MarkVerdict, WrittenMarks } from '../store/mark-receipts.ts'
import { openMarking } from './open-marking.ts'
import { WaitingMarks } from './waiting-marks.ts'

const marked = { outcome: 'marked', kind: 'group', memberCount: 2 } as const

const mark = (userId: string, readSequence: number, connectionId?: string): Mark =>
  markOf({ userId, conversationId: 'c', deliveredSequence: 0, readSequence, connectionId })

/** A database that takes marks and answers when it is told to. */
function slowDatabase() {
  const writes: { marks: readonly Mark[]; answer: PromiseWithResolvers<WrittenMarks> }[] = []
  const steps = {
    markReceipts(marks: readonly Mark[]) {
      const answer = Promise.withResolvers<WrittenMarks>()
      writes.push({ marks, answer })
      return answer.promise
    },
    tell: () => undefined,
  }
  const answer = (index: number, verdictOf: (mark: Mark) => MarkVerdict = () => marked) =>
    writes[index]!.answer.resolve({ verdicts: writes[index]!.marks.map(verdictOf), told: undefined })
  return { steps, writes, answer }
}

test('marks that come while two writes are under way go together in the next, each user once', async () => {
  const { steps, writes, answer } = slowDatabase()
  await using marking = openMarking(steps)
  const first = marking.keep([mark('a', 1)])
  await vi.waitFor(() => expect(writes).toHaveLength(1))
  const second = marking.keep([mark('b', 1)])
  await vi.waitFor(() => expect(writes).toHaveLength(2))
  const rest = [
    marking.keep([mark('a', 2, 'phone'), mark('c', 7)]),
    marking.keep([mark('a', 3, 'desk'), mark('a', 1)]),
    marking.keep([mark('d', 1)]),
  ]
  answer(0)
  await first
  await vi.waitFor(() => expect(writes).toHaveLength(3))
  expect(writes[2]!.marks).toEqual([mark('a', 3, 'desk'), mark('c', 7), mark('d', 1)])
  answer(1)
  answer(2)
  expect(await second).toEqual([marked])
  expect(await Promise.all(rest)).toEqual([[marked, marked], [marked, marked], [marked]])
})

test('whoever is busy is tried again until they are not', async () => {
  let tries = 0
  await using marking = openMarking({
    markReceipts(marks) {
      tries += 1
      const verdicts = marks.map((): MarkVerdict => (tries < 4 ? { outcome: 'busy' } : marked))
      return Promise.resolve({ verdicts, told: undefined })
    },
    tell: () => undefined,
  })
  expect(await marking.keep([mark('a', 1)])).toEqual([marked])
  expect(tries).toBe(4)
})

test('what is tried again goes together with what was marked meanwhile', async () => {
  const waiting = new WaitingMarks()
  const first = waiting.add(mark('a', 5))
  const [tried] = waiting.take(1)
  const second = waiting.add(mark('a', 3))
  waiting.addAgain(tried!)
  expect(waiting.size).toBe(1)
  const [together] = waiting.take(1)
  expect(together!.mark.readSequence).toBe(5)
  together!.settled.resolve(marked)
  expect(await Promise.all([first, second])).toEqual([marked, marked])
})

test('whoever stays busy makes the call unavailable in the end, and what else it marked is kept', async () => {
  const written: string[] = []
  await using marking = openMarking({
    markReceipts(marks) {
      const verdicts = marks.map(({ userId }): MarkVerdict => {
        if (userId === 'stuck') return { outcome: 'busy' }
        written.push(userId)
        return marked
      })
      return Promise.resolve({ verdicts, told: undefined })
    },
    tell: () => undefined,
  })
  await expect(marking.keep([mark('stuck', 1), mark('free', 1)])).rejects.toMatchObject({
    refusal: { code: 'unavailable' },
  })
  expect(written).toEqual(['free'])
})

test('beyond its bound marks are refused at once, and what waits goes on', async () => {
  const { steps, writes, answer } = slowDatabase()
  await using marking = openMarking(steps, { maxWaiting: 10 })
  const users = Array.from({ length: 10 }, (_, index) => String(index))
  const first = marking.keep([mark('first', 1)])
  await vi.waitFor(() => expect(writes).toHaveLength(1))
  const second = marking.keep([mark('second', 1)])
  await vi.waitFor(() => expect(writes).toHaveLength(2))
  const waiting = marking.keep(users.map((userId) => mark(userId, 1)))
  await expect(marking.keep([mark('late', 1)])).rejects.toMatchObject({
    refusal: { code: 'overloaded', data: { retryAfterMs: expect.any(Number) } },
  })
  for (const index of [0, 1]) answer(index)
  await vi.waitFor(() => expect(writes).toHaveLength(3))
  answer(2)
  await Promise.all([first, second])
  expect(await waiting).toHaveLength(10)
})

test('a write that fails fails those in it, and the next ones are written', async () => {
  const { steps, writes, answer } = slowDatabase()
  await using marking = openMarking(steps)
  const failing = marking.keep([mark('a', 1)])
  await vi.waitFor(() => expect(writes).toHaveLength(1))
  writes[0]!.answer.reject(new Error('away'))
  await expect(failing).rejects.toThrow('away')
  const next = marking.keep([mark('a', 1)])
  await vi.waitFor(() => expect(writes).toHaveLength(2))
  answer(1)
  expect(await next).toEqual([marked])
})

test('what waits when it is closed is written first', async () => {
  const { steps, writes, answer } = slowDatabase()
  const marking = openMarking(steps)
  const kept = marking.keep([mark('a', 1)])
  const closing = marking[Symbol.asyncDispose]()
  await vi.waitFor(() => expect(writes).toHaveLength(1))
  answer(0)
  await closing
  expect(await kept).toEqual([marked])
})
