import { expect, test } from 'vitest'
import { subjectOf } from '@parley/contracts'

const declared = { subject: 'messaging.event.message-created.{conversationId}' }

test('a subject gets its parameters filled in', () => {
  expect(subjectOf(declared, { conversationId: '0192f0c1-2345-7abc-8def-0123456789ab' })).toBe(
    'messaging.event.message-created.0192f0c1-2345-7abc-8def-0123456789ab',
  )
})

test.each(['', '*', '>', 'a.b', 'a b', 'a\n', 'a\r\nPUB x 0'])(
  '%j can not become part of a subject',
  (conversationId) => {
    expect(() => subjectOf(declared, { conversationId })).toThrow('needs a conversationId')
  },
)

test('a missing parameter is a mistake of ours', () => {
  expect(() => subjectOf(declared)).toThrow(TypeError)
})
