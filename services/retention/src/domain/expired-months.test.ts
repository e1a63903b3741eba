import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { expiredMonthsEnd } from './expired-months.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const GRACE_MS = 2 * DAY_MS

const time = fc.date({ min: new Date('2020-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
const days = fc.integer({ min: 1, max: 4_000 })

const monthAfter = (start: Date) => new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1))

describe('the months that may go', () => {
  test('end with a month, in UTC', () => {
    fc.assert(
      fc.property(time, days, (now, retentionDays) => {
        expect(expiredMonthsEnd(now, retentionDays).toISOString()).toMatch(/-01T00:00:00\.000Z$/)
      }),
    )
  })

  test('hold nothing that has not expired two days ago, and leave nothing that has', () => {
    fc.assert(
      fc.property(time, days, (now, retentionDays) => {
        const end = expiredMonthsEnd(now, retentionDays)
        const goneFrom = (monthEnd: Date) => monthEnd.getTime() + retentionDays * DAY_MS + GRACE_MS
        expect(goneFrom(end)).toBeLessThanOrEqual(now.getTime())
        expect(goneFrom(monthAfter(end))).toBeGreaterThan(now.getTime())
      }),
    )
  })

  test.each([
    ['2027-12-02T23:59:59.999Z', '2026-11-01T00:00:00.000Z'],
    ['2027-12-03T00:00:00.000Z', '2026-12-01T00:00:00.000Z'],
    ['2028-02-29T12:00:00.000Z', '2027-02-01T00:00:00.000Z'],
    ['2029-03-02T23:59:59.999Z', '2028-02-01T00:00:00.000Z'],
    ['2029-03-03T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
  ])('after a year: at %s those before %s', (now, end) => {
    expect(expiredMonthsEnd(new Date(now), 365).toISOString()).toBe(end)
  })
})
