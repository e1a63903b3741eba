import { randomUUID } from 'node:crypto'
import { BusError } from '@parley/bus'
import { messaging, refuse, type RequestOf } from '@parley/contracts'
import { silentLog } from '@parley/testing'
import { describe, expect, test, vi } from 'vitest'
import { createPassMark } from './pass-marks.ts'

type Request = RequestOf<(typeof messaging)['calls']['markReceipts']>

const markOf = (readSequence: number, scopes: string[] = []) => ({
  actor: { userId: randomUUID(), scopes },
  conversationId: randomUUID(),
  deliveredSequence: Number.MAX_SAFE_INTEGER,
  readSequence,
  connectionId: 'c'.repeat(60),
})
const gathered = (readSequence: number) => ({ gatherReadMs: readSequence, gatherDeliveredMs: 0 })

describe('marks that are passed on in one turn', () => {
  test('travel in one call, and each gets its own answer', async () => {
    const markReceipts = vi.fn(async ({ marks }: Request) => ({
      ok: true as const,
      value: {
        results: marks.map(({ readSequence }) =>
          readSequence === 2 ? { refusal: refuse.not_a_member().refusal } : gathered(readSequence),
        ),
      },
    }))
    const pass = createPassMark({ markReceipts }, silentLog)
    expect(await Promise.all([1, 2, 3].map((read) => pass(markOf(read))))).toEqual([
      { ok: true, value: gathered(1) },
      { ok: false, refusal: refuse.not_a_member().refusal },
      { ok: true, value: gathered(3) },
    ])
    expect(markReceipts).toHaveBeenCalledOnce()
  })

  test('travel in several calls when there are many or large ones, each as the contract and NATS allow', async () => {
    const sizes: number[] = []
    const pass = createPassMark(
      {
        async markReceipts(request) {
          expect(messaging.calls.markReceipts.request.safeParse(request).success).toBe(true)
          sizes.push(JSON.stringify(request).length)
          return { ok: true, value: { results: request.marks.map(({ readSequence }) => gathered(readSequence)) } }
        },
      },
      silentLog,
    )
    const small = Array.from({ length: 1_500 }, (_, read) => markOf(read))
    const large = Array.from({ length: 500 }, (_, read) => markOf(read, ['\u0001'.repeat(500)]))
    const answers = await Promise.all([...small, ...large].map((mark) => pass(mark)))
    expect(answers).toEqual(
      [...small, ...large].map(({ readSequence }) => ({ ok: true, value: gathered(readSequence) })),
    )
    expect(Math.max(...sizes)).toBeLessThanOrEqual(512 * 1024 + 100)
  })

  test('are all told when the call is refused, or not answered', async () => {
    const { refusal } = refuse.unavailable()
    const refusing = createPassMark({ markReceipts: async () => ({ ok: false, refusal }) }, silentLog)
    expect(await Promise.all([refusing(markOf(1)), refusing(markOf(2))])).toEqual([
      { ok: false, refusal },
      { ok: false, refusal },
    ])
    const lost = new BusError('timeout', 'no answer in time')
    const failing = createPassMark({ markReceipts: () => Promise.reject(lost) }, silentLog)
    const outcomes = await Promise.allSettled([failing(markOf(1)), failing(markOf(2))])
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason === lost)).toEqual([true, true])
  })
})
