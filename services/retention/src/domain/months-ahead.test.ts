import { expect, test } from 'vitest'
import { countMonthsAhead, monthsStillAhead } from './months-ahead.ts'

const now = new Date('2026-11-30T23:59:59.999Z')

test('months ahead are counted up to the first gap', () => {
  const names = ['messages_2026_10', 'messages_2026_11', 'messages_2026_12', 'messages_2027_01', 'messages_2027_03']
  expect(countMonthsAhead(names, now)).toBe(2)
  expect(countMonthsAhead(['messages_2026_11'], now)).toBe(0)
  expect(countMonthsAhead(['messages_2026_12', 'something else'], now)).toBe(-1)
})

test('months ahead become fewer as time goes by, in UTC', () => {
  const counted = { ahead: 3, at: now }
  expect(monthsStillAhead(counted, now)).toBe(3)
  expect(monthsStillAhead(counted, new Date('2026-12-01T00:00:00.000Z'))).toBe(2)
  expect(monthsStillAhead(counted, new Date('2027-04-01T00:00:00.000Z'))).toBe(-2)
})
