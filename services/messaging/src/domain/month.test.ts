import { v7 } from 'uuid'
import { expect, test } from 'vitest'
import { lowestIdAt, monthNamed, monthsAround } from './month.ts'

test('the months around a day are those from the last to some ahead, over the end of a year', () => {
  const months = monthsAround(new Date('2026-11-30T23:59:59.999Z'), 2)
  expect(months.map(({ name }) => name)).toEqual(['2026_10', '2026_11', '2026_12', '2027_01'])
  for (const [index, { endsAt }] of months.slice(0, -1).entries()) expect(endsAt).toEqual(months[index + 1]?.startsAt)
  expect(monthsAround(new Date('2027-01-01T00:00:00.000Z'), 1).map(({ name }) => name)).toEqual([
    '2026_12',
    '2027_01',
    '2027_02',
  ])
})

test('a month is found by its name, and nothing else is one', () => {
  const [month] = monthsAround(new Date('2026-03-31T12:00:00.000Z'), 1)
  expect(monthNamed('2026_02')).toEqual(month)
  expect(monthNamed('2026_13')).toBeUndefined()
  expect(monthNamed('2026_00')).toBeUndefined()
  expect(monthNamed('by_sequence')).toBeUndefined()
})

test('every UUIDv7 of a moment is between the lowest of it and the lowest of the next millisecond', () => {
  const moment = new Date('2026-11-01T00:00:00.000Z')
  const next = new Date(moment.getTime() + 1)
  for (const fill of [0x00, 0xff]) {
    const id = v7({ msecs: moment.getTime(), random: new Uint8Array(16).fill(fill), seq: fill === 0 ? 0 : 0x7fffffff })
    expect(id >= lowestIdAt(moment) && id < lowestIdAt(next)).toBe(true)
  }
  expect(lowestIdAt(new Date(0))).toBe('00000000-0000-0000-0000-000000000000')
})
