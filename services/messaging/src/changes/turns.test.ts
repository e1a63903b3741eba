import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openTurns } from './turns.ts'

test('changes of a conversation go one after another in their order, and a failed one holds up nobody', async () => {
  const turns = openTurns()
  const log: string[] = []
  const change = (name: string) =>
    turns.inTurn('one', async () => {
      log.push(`${name} begins`)
      await sleep(1)
      log.push(`${name} ends`)
      if (name === 'b') throw new Error('b fails')
      return name
    })
  const outcomes = await Promise.allSettled(['a', 'b', 'c'].map(change))
  expect(log).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]))
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('changes of different conversations go side by side', async () => {
  const turns = openTurns()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const first = turns.inTurn('one', () => released)
  expect(await turns.inTurn('other', async () => 'done')).toBe('done')
  release()
  await first
})

test('too many that wait are refused as overloaded, of one conversation and of all, until there is room', async () => {
  const turns = openTurns({ changes: 3, ofConversation: 2 })
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const overloaded = { refusal: { code: 'overloaded', data: { retryAfterMs: 1_000 } } }
  const waiting = [turns.inTurn('one', () => released), turns.inTurn('one', () => released)]
  await expect(turns.inTurn('one', async () => 'done')).rejects.toMatchObject(overloaded)
  waiting.push(turns.inTurn('other', () => released))
  await expect(turns.inTurn('third', async () => 'done')).rejects.toMatchObject(overloaded)
  release()
  await Promise.all(waiting)
  expect(await turns.inTurn('one', async () => 'done')).toBe('done')
})

test('what has waited for too long is not done any more', async () => {
  const turns = openTurns({ waitMs: 10 })
  const first = turns.inTurn('one', () => sleep(30))
  let done = false
  const late = turns.inTurn('one', async () => void (done = true))
  await expect(late).rejects.toMatchObject({ refusal: { code: 'unavailable' } })
  await first
  expect(done).toBe(false)
})
