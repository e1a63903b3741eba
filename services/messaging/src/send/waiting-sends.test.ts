import { expect, test, vi } from 'vitest'
import { v7 } from 'uuid'
import { sendOf } from '../domain/send.ts'
import type { WaitingSend } from './waiting-send.ts'
import { WaitingSends } from './waiting-sends.ts'

function open(bounds: { sends?: number; bytes?: number } = {}) {
  const refused: WaitingSend[] = []
  const waiting = new WaitingSends({
    bounds: { sends: 100, bytes: 1_000_000, ...bounds },
    stallAfterMs: 10,
    refuseExpired: (expired) => refused.push(expired),
  })
  return { waiting, refused }
}

function sendTo(
  conversationId: string,
  options: { id?: string; replyTo?: string; text?: string; expired?: boolean } = {},
) {
  const { id = v7(), replyTo = null, text = 'x', expired = false } = options
  return {
    send: sendOf('alice', { conversationId, id, text, replyTo }),
    wasBusy: false,
    isolated: false as boolean,
    isExpired: () => expired,
    settle: () => undefined,
    stall: vi.fn(),
  } satisfies WaitingSend
}

test('a group has what waits, in order, and its conversations wait until it is written', () => {
  const { waiting } = open()
  const sends = ['a', 'b', 'a'].map((conversation) => sendTo(conversation))
  sends.forEach((send) => waiting.add(send))
  const group = waiting.takeGroup()
  expect(group).toEqual([sends[0], sends[2], sends[1]])
  const [late, other] = [sendTo('a'), sendTo('c')]
  waiting.add(late)
  waiting.add(other)
  expect(waiting.takeGroup()).toEqual([other])
  expect(waiting.takeGroup()).toEqual([])
  waiting.release(group)
  expect(waiting.takeGroup()).toEqual([late])
})

test('a group is bounded in count and bytes, and conversations take turns', () => {
  const { waiting } = open({ sends: 3 })
  const hot = Array.from({ length: 5 }, () => sendTo('hot'))
  hot.forEach((send) => waiting.add(send))
  const quiet = sendTo('quiet')
  waiting.add(quiet)
  const first = waiting.takeGroup()
  expect(first).toEqual(hot.slice(0, 3))
  waiting.release(first)
  expect(waiting.takeGroup()).toEqual([quiet, ...hot.slice(3)])

  const large = open({ bytes: 2_000 }).waiting
  const [one, two] = [sendTo('a', { text: 'x'.repeat(1_500) }), sendTo('b', { text: 'x'.repeat(5_000) })]
  large.add(one)
  large.add(two)
  expect(large.takeGroup()).toEqual([one])
  expect(large.takeGroup()).toEqual([two])
})

test('a retry and a reply wait for what became of the send before them, and so does what follows them', () => {
  const { waiting } = open()
  const question = sendTo('a')
  const { id } = question.send.message
  const [retry, next, reply] = [sendTo('a', { id }), sendTo('a'), sendTo('a', { replyTo: id })]
  for (const send of [question, retry, next, reply]) waiting.add(send)
  const group = waiting.takeGroup()
  expect(group).toEqual([question])
  waiting.release(group)
  expect(waiting.takeGroup()).toEqual([retry, next])
})

test('a busy conversation goes on alone and in order, until nothing waits', () => {
  const { waiting } = open()
  const [first, neighbour, second] = [sendTo('busy'), sendTo('free'), sendTo('busy')]
  waiting.add(first)
  waiting.add(neighbour)
  const group = waiting.takeGroup()
  waiting.add(second)
  waiting.release(group, { unsettled: [first], toLanes: () => true })
  expect(waiting.takeGroup()).toEqual([])
  const lane = waiting.takeLane()
  expect(lane).toEqual([first, second])
  const third = sendTo('busy')
  waiting.add(third)
  expect(waiting.takeLane()).toEqual([])
  waiting.release(lane)
  const again = waiting.takeLane()
  expect(again).toEqual([third])
  waiting.release(again)
  const later = sendTo('busy')
  waiting.add(later)
  expect(waiting.takeLane()).toEqual([])
  expect(waiting.takeGroup()).toEqual([later])
})

test('who waits for a conversation that gets nowhere is told, and who comes later at once', async () => {
  const { waiting } = open()
  const first = sendTo('stuck')
  waiting.add(first)
  waiting.release(waiting.takeGroup(), { unsettled: [first], toLanes: () => true })
  const lane = waiting.takeLane()
  const second = sendTo('stuck')
  waiting.add(second)
  expect(first.stall).not.toHaveBeenCalled()
  await vi.waitFor(() => expect(first.stall).toHaveBeenCalled())
  expect(second.stall).toHaveBeenCalled()
  const third = sendTo('stuck')
  waiting.add(third)
  expect(third.stall).toHaveBeenCalled()
  waiting.release(lane)
  const fourth = sendTo('stuck')
  waiting.add(fourth)
  expect(fourth.stall).not.toHaveBeenCalled()
  waiting.release(waiting.takeLane())
})

test('an isolated send is written alone, in its place', () => {
  const { waiting } = open()
  const sends = [sendTo('a'), sendTo('a'), sendTo('a')]
  sends.forEach((send) => waiting.add(send))
  const group = waiting.takeGroup()
  for (const send of sends) send.isolated = true
  waiting.release(group, { unsettled: group, toLanes: () => true })
  for (const send of sends) {
    const alone = waiting.takeLane()
    expect(alone).toEqual([send])
    waiting.release(alone)
  }
  expect(waiting.takeLane()).toEqual([])
})

test('what nobody waits for any more is refused and not written', () => {
  const { waiting, refused } = open()
  const [late, fresh, gone] = [sendTo('a', { expired: true }), sendTo('a'), sendTo('b', { expired: true })]
  for (const send of [late, fresh, gone]) waiting.add(send)
  expect(waiting.takeGroup()).toEqual([fresh])
  expect(refused).toEqual([late, gone])
  expect(waiting.takeGroup()).toEqual([])
})
