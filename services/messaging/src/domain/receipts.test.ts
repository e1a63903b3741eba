import { expect, test } from 'vitest'
import { markGatheringOf, markOf, together, type Mark } from './receipts.ts'

const mark = (deliveredSequence: number, readSequence: number, connectionId: string): Mark =>
  markOf({ userId: 'u', conversationId: 'c', deliveredSequence, readSequence, connectionId })

test('what is read was delivered', () => {
  expect(mark(0, 5, 'phone')).toEqual({
    userId: 'u',
    conversationId: 'c',
    deliveredSequence: 5,
    readSequence: 5,
    connectionId: 'phone',
  })
})

test('two marks together say the most of both, and are of a connection only where it has said it all', () => {
  expect(together(mark(3, 3, 'phone'), mark(5, 5, 'desk'))).toEqual(mark(5, 5, 'desk'))
  expect(together(mark(9, 3, 'phone'), mark(5, 5, 'desk'))).toEqual({ ...mark(9, 5, ''), connectionId: null })
})

test('marks are gathered the longer the less others wait for them', () => {
  expect(markGatheringOf({ kind: 'direct', memberCount: 2 })).toEqual({ gatherReadMs: 0, gatherDeliveredMs: 1_000 })
  expect(markGatheringOf({ kind: 'group', memberCount: 3 })).toEqual({ gatherReadMs: 500, gatherDeliveredMs: 30_000 })
  const counted = { gatherReadMs: 5_000, gatherDeliveredMs: 30_000 }
  expect(markGatheringOf({ kind: 'group', memberCount: 1_001 })).toEqual(counted)
  expect(markGatheringOf({ kind: 'channel', memberCount: 3 })).toEqual(counted)
})
