import { jsonProtocol } from '../../src/protocol/json-protocol.ts'
import { messagePackProtocol } from '../../src/protocol/messagepack-protocol.ts'
import { MessageType, type HubMessage } from '../../src/protocol/hub-message.ts'

/** A source of chance that gives the same for the same seed. */
export interface Chance {
  /** A whole number from 0 up to, not including, this. */
  below(limit: number): number
  pick<T>(list: readonly T[]): T
  is(probability: number): boolean
}

/** Mulberry32. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    below: (limit) => Math.floor(next() * limit),
    pick: (list) => list[Math.floor(next() * list.length)]!,
    is: (probability) => next() < probability,
  }
}

export type ProtocolName = 'json' | 'messagepack'
const protocols = { json: jsonProtocol, messagepack: messagePackProtocol }

const IDS = ['0', '1', '2', 's', 's', 'x'.repeat(200)]
const TARGETS = [
  'Echo',
  'Boom',
  'Slow',
  'Join',
  'Ask',
  'Count',
  'Endless',
  'Gather',
  'nothing',
  '__proto__',
  'constructor',
]
const VALUES = [null, 0, -1, 1e308, '', 'text', 'é'.repeat(500), [], {}, [[[[]]]], { a: { b: 1 } }, true, 500]
const NUMBERS = [0, 1, 2, 3, 100, 2 ** 31, Number.MAX_SAFE_INTEGER]

function messageBy(chance: Chance): HubMessage {
  const invocationId = chance.pick(IDS)
  const call = {
    target: chance.pick(TARGETS),
    arguments: Array.from({ length: chance.below(3) }, () => chance.pick(VALUES)),
    ...(chance.is(0.3) && { streamIds: Array.from({ length: chance.below(3) }, () => chance.pick(IDS)) }),
  }
  switch (1 + chance.below(9)) {
    case 1:
      return { type: MessageType.invocation, ...(chance.is(0.8) && { invocationId }), ...call }
    case 2:
      return { type: MessageType.streamItem, invocationId, item: chance.pick(VALUES) }
    case 3:
      return { type: MessageType.completion, invocationId, ...chance.pick([{}, { error: 'no' }, { result: 1 }]) }
    case 4:
      return { type: MessageType.streamInvocation, invocationId, ...call }
    case 5:
      return { type: MessageType.cancelInvocation, invocationId }
    case 7:
      return chance.is(0.1) ? { type: MessageType.close } : { type: MessageType.ping }
    case 8:
      return { type: MessageType.ack, sequenceId: chance.pick(NUMBERS) }
    case 9:
      return { type: MessageType.sequence, sequenceId: chance.pick(NUMBERS) }
    default:
      return { type: MessageType.ping }
  }
}

/** Some messages, mostly whole, as the bytes of one send. */
export function sayingBy(chance: Chance, protocol: ProtocolName): Buffer {
  const messages = Array.from(
    { length: 1 + chance.below(6) },
    () => protocols[protocol].encode(messageBy(chance)).payload,
  )
  const bytes = Buffer.concat(messages)
  return chance.is(0.2) ? spoiltBy(chance, bytes) : bytes
}

const NASTY = [
  Buffer.from('['.repeat(6_000)),
  Buffer.from('{"type":1,"target":"Echo","arguments":['),
  Buffer.from(`{"type":9,"sequenceId":-9223372036854775808}\u001e`),
  Buffer.alloc(4_000, 0x91),
  Buffer.of(0xff, 0xff, 0xff, 0xff, 0x07),
  Buffer.of(0x80, 0x80, 0x80, 0x80, 0x08),
  Buffer.of(0x00),
  Buffer.of(0x05, 0xdd, 0xff, 0xff, 0xff, 0xff),
  Buffer.from(`${JSON.stringify({ protocol: 'json', version: 1 })}\u001e`),
]

/** The same bytes with something wrong with them. */
export function spoiltBy(chance: Chance, bytes: Buffer): Buffer {
  const spoilt = Buffer.from(bytes)
  const place = chance.below(Math.max(1, bytes.length))
  switch (chance.below(5)) {
    case 0:
      for (let flips = 1 + chance.below(8); flips > 0; flips--) spoilt[chance.below(spoilt.length)] = chance.below(256)
      return spoilt
    case 1:
      return spoilt.subarray(0, place)
    case 2:
      return Buffer.concat([spoilt.subarray(place), spoilt.subarray(0, place)])
    case 3:
      return Buffer.concat([spoilt.subarray(0, place), chance.pick(NASTY), spoilt.subarray(place)])
    default:
      return chance.pick(NASTY)
  }
}

/** A masked WebSocket frame, mostly as the standard wants it. */
export function frameBy(chance: Chance, payload: Buffer): Buffer {
  const first = chance.is(0.9) ? chance.pick([0x81, 0x82]) : chance.below(256)
  const length =
    payload.length < 126
      ? Buffer.of(0x80 | payload.length)
      : Buffer.of(0x80 | 126, payload.length >> 8, payload.length & 0xff)
  const mask = Buffer.from([chance.below(256), chance.below(256), chance.below(256), chance.below(256)])
  const masked = Buffer.from(payload)
  for (let index = 0; index < masked.length; index++) masked[index]! ^= mask[index % 4]!
  const frame = Buffer.concat([Buffer.of(first), length, mask, masked])
  return chance.is(0.1) ? spoiltBy(chance, frame) : frame
}
