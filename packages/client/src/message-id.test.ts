import { MessageId } from '@parley/protocol'
import { expect, test } from 'vitest'
import { newMessageId } from './message-id.ts'

test('a message id is a UUIDv7 with the time at which it was made', () => {
  const nowMs = Date.parse('2026-07-01T12:00:00.123Z')
  const id = newMessageId(nowMs)
  expect(MessageId.parse(id)).toBe(id)
  expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(nowMs)
})

test('no two message ids are the same', () => {
  const ids = Array.from({ length: 10_000 }, () => newMessageId(0))
  expect(new Set(ids).size).toBe(ids.length)
})
