import { expect, test } from 'vitest'
import { UsedTickets } from './used-tickets.ts'

const MINUTE_MS = 60_000

test('a used ticket is remembered until 5 minutes after its last use', () => {
  let nowMs = 0
  const used = new UsedTickets(() => nowMs)
  used.remember('kept', 'c1')
  used.remember('left', 'c2')
  for (nowMs = MINUTE_MS; nowMs <= 60 * MINUTE_MS; nowMs += 4 * MINUTE_MS) expect(used.use('kept')).toBe('c1')
  expect(used.use('left')).toBeUndefined()
})

test('of more than 100,000 used tickets the longest unused are forgotten', () => {
  const used = new UsedTickets(() => 0)
  for (let index = 0; index < 100_000; index++) used.remember(`t${index}`, 'c')
  used.use('t0')
  used.remember('one more', 'c')
  expect(['t0', 't1', 't2', 'one more'].map((ticketId) => used.use(ticketId))).toEqual(['c', undefined, 'c', 'c'])
})
