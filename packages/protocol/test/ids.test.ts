import { expect, test } from 'vitest'
import { ConversationId, MessageId, Time, UserId } from '@parley/protocol'

const v7 = '0192F0C1-2345-7ABC-8DEF-0123456789AB'
const v4 = '3D813CBB-47FB-4B36-91DA-3E2E3C1F4A5B'

test('ids are lowered at the door, so that one thing has one name', () => {
  expect(UserId.parse(v4)).toBe(v4.toLowerCase())
  expect(ConversationId.parse(v4)).toBe(v4.toLowerCase())
  expect(MessageId.parse(v7)).toBe(v7.toLowerCase())
})

test('a message id is a UUIDv7 and no other UUID', () => {
  expect(MessageId.safeParse(v4).success).toBe(false)
  expect(MessageId.safeParse(v7).success).toBe(true)
})

test.each(['', 'x', '*', '>', `${v4} `, `{${v4}}`, v4.replaceAll('-', ''), `${v4}\n`, 7, null])(
  '%j is not an id',
  (value) => {
    expect(UserId.safeParse(value).success).toBe(false)
    expect(MessageId.safeParse(value).success).toBe(false)
  },
)

test('a time is UTC with milliseconds, as Date writes it', () => {
  expect(Time.parse(new Date(0).toISOString())).toBe('1970-01-01T00:00:00.000Z')
  expect(Time.safeParse('1970-01-01T00:00:00Z').success).toBe(false)
  expect(Time.safeParse('1970-01-01T00:00:00.000+01:00').success).toBe(false)
})
