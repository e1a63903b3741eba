import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NatsStream } from '../src/nats-stream.ts'

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constant(Buffer.from('MSG not.a.message 1 5\r\nPING\r\n')),
  fc.constant(Buffer.alloc(70_000, 'x')),
)

const line = fc.constantFrom('PING', '+OK', "-ERR 'Slow Consumer'", 'INFO {"version":"2.9.10"}')

const piece = fc.oneof(
  line.map((text) => ({ subject: undefined, bytes: Buffer.from(`${text}\r\n`) })),
  fc
    .record({ payload, headers: fc.constantFrom('', 'NATS/1.0\r\nA: b\r\n\r\n'), reply: fc.constantFrom('', 'reply ') })
    .map(({ payload: body, headers, reply }) => {
      const subject = 'gateway.notice.deliver.7'
      const size = headers.length + body.length
      const head =
        headers === ''
          ? `MSG ${subject} 12 ${reply}${size}\r\n`
          : `HMSG ${subject} 12 ${reply}${headers.length} ${size}\r\n`
      return { subject, bytes: Buffer.concat([Buffer.from(head + headers), body, Buffer.from('\r\n')]) }
    }),
)

test('what a server says is cut into the same pieces, however it comes', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 5_000 })), (pieces, sizes) => {
      const stream = new NatsStream()
      let rest = Buffer.concat(pieces.map(({ bytes }) => bytes))
      const cut = []
      for (const size of [...sizes, rest.length]) {
        cut.push(...stream.push(rest.subarray(0, size)))
        rest = rest.subarray(size)
      }
      cut.push(...stream.push(rest))
      expect(cut.map(({ subject }) => subject)).toEqual(pieces.map(({ subject }) => subject))
      expect(cut.every(({ bytes }, index) => bytes.equals(pieces[index]!.bytes))).toBe(true)
    }),
  )
})
