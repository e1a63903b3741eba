import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeTextRecord, type EncodedMessage } from '../protocol/encoded-message.ts'
import type { Transport } from '../transport/transport.ts'
import { FlushQueue } from './flush-queue.ts'
import { Outbox, type Delivery } from './outbox.ts'

const LIMITS = { lossyAboveBytes: 4_000, bufferedBytes: 64_000 }

/** A client that takes what was written when it wants to. */
class Taker implements Transport {
  readonly name = 'WebSockets'
  readonly taken: string[] = []
  bufferedBytes = 0

  write(messages: readonly EncodedMessage[]): boolean {
    for (const { payload, webSocketFrame } of messages) {
      this.taken.push(payload.toString().slice(0, -1))
      this.bufferedBytes += webSocketFrame.length
    }
    return false
  }

  pause(): void {}
  resume(): void {}
  close(): void {}
}

const delivery = fc.oneof(
  fc.constant<Delivery>('durable'),
  fc.constant<Delivery>('ephemeral'),
  fc.integer({ min: 0, max: 3 }).map((key): Delivery => ({ stateKey: `key ${key}` })),
)
const doing = fc.oneof(
  { weight: 8, arbitrary: fc.record({ delivery, size: fc.integer({ min: 1, max: 900 }) }) },
  { weight: 2, arbitrary: fc.constant('takes' as const) },
  { weight: 1, arbitrary: fc.constant('turn ends' as const) },
)

const kindOf = (delivery: Delivery): string => (typeof delivery === 'string' ? delivery : delivery.stateKey)

test('whenever the client takes what it is sent: all durable frames come in order, of each state the newest, nothing is older than what came before', () => {
  fc.assert(
    fc.property(fc.array(doing, { minLength: 20, maxLength: 200 }), (doings) => {
      const client = new Taker()
      const counts = { dropped: 0, replaced: 0 }
      const host = { flushes: new FlushQueue(), limits: LIMITS, counts }
      const outbox = new Outbox({ outboxWaits() {} }, client, host)
      const take = () => {
        client.bufferedBytes = 0
        outbox.drained()
      }
      const outdated: string[] = []
      const added: { readonly kind: string; readonly text: string; readonly mayBeLost: boolean }[] = []
      for (const [index, each] of doings.entries()) {
        if (each === 'takes') take()
        else if (each === 'turn ends') outbox.flush()
        else {
          const text = `${index} ${'x'.repeat(each.size)}`
          const message = encodeTextRecord(text, true)
          const isBelow = outbox.bufferedBytes + message.webSocketFrame.length <= LIMITS.lossyAboveBytes
          // Nothing is taken from a client that is cut off.
          if (!outbox.add(message, each.delivery, 0)) return expect(outbox.bufferedBytes).toBeGreaterThan(0)
          const kind = kindOf(each.delivery)
          const older = added.findLast((one) => one.kind === kind)?.text
          if (typeof each.delivery === 'object' && !isBelow && older !== undefined && !client.taken.includes(older)) {
            outdated.push(older)
          }
          added.push({ kind, text, mayBeLost: each.delivery === 'ephemeral' && !isBelow })
        }
      }
      outbox.flush()
      while (outbox.bufferedBytes > 0) take()

      const came = new Set(client.taken)
      expect(came.size).toBe(client.taken.length)
      const inOrder = added.filter(({ text }) => came.has(text)).map(({ text }) => text)
      expect(client.taken).toEqual(inOrder)
      for (const kind of new Set(added.map((each) => each.kind))) {
        const all = added.filter((each) => each.kind === kind)
        if (kind === 'durable') expect(all.filter(({ text }) => !came.has(text))).toEqual([])
        else if (kind !== 'ephemeral') expect(came.has(all.at(-1)!.text)).toBe(true)
      }
      const ephemeral = added.filter(({ kind }) => kind === 'ephemeral')
      expect(ephemeral.filter(({ text }) => !came.has(text))).toEqual(ephemeral.filter(({ mayBeLost }) => mayBeLost))
      expect(outdated.filter((text) => came.has(text))).toEqual([])
      expect(added.length - came.size).toBe(counts.dropped + counts.replaced)
    }),
    { numRuns: 500 },
  )
})
