import { expect, test } from 'vitest'
import { expiredAt, firstRules, periodsOf } from './periods.ts'

const none = { messageDays: null, fileDays: null }
const rules = {
  ...firstRules,
  default: { messageDays: 365, fileDays: 100 },
  group: { messageDays: 30, fileDays: 20 },
  channel: { messageDays: 50, fileDays: null },
}

test('a period is that of the conversation, else of its kind, else the default', () => {
  expect(periodsOf(rules, { kind: 'direct', ...none })).toEqual({ messageDays: 365, fileDays: 100 })
  expect(periodsOf(rules, { kind: 'group', ...none })).toEqual({ messageDays: 30, fileDays: 20 })
  expect(periodsOf(rules, { kind: 'group', messageDays: 400, fileDays: 300 })).toEqual({
    messageDays: 400,
    fileDays: 300,
  })
  expect(periodsOf(rules, { kind: 'group', messageDays: 400, fileDays: null })).toEqual({
    messageDays: 400,
    fileDays: 20,
  })
})

test('files never outlive their message, and without a period of their own they are kept as long', () => {
  expect(periodsOf(rules, { kind: 'channel', ...none })).toEqual({ messageDays: 50, fileDays: 50 })
  expect(periodsOf(rules, { kind: 'direct', messageDays: 10, fileDays: null })).toEqual({
    messageDays: 10,
    fileDays: 10,
  })
  expect(periodsOf(firstRules, { kind: 'direct', ...none })).toEqual({ messageDays: 365, fileDays: 365 })
})

test('a day is 24 hours, also over a leap day', () => {
  expect(expiredAt(new Date('2024-03-01T00:00:00.001Z'), 2)).toEqual(new Date('2024-02-28T00:00:00.001Z'))
  expect(expiredAt(new Date('2025-02-28T12:00:00.000Z'), 365)).toEqual(new Date('2024-02-29T12:00:00.000Z'))
})
