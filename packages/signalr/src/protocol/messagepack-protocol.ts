import { BinaryRecords, prefixLengthOf, writePrefix } from './binary-records.ts'
import { weightOf } from './complexity.ts'
import { EncodedMessage } from './encoded-message.ts'
import { isCounted, MessageType, type Completion, type HubMessage } from './hub-message.ts'
import type { HubProtocol, MessageReader, ReaderLimits } from './hub-protocol.ts'
import { messageOf } from './message-fields.ts'
import { elementsOf } from './messagepack-elements.ts'
import { fieldsOf, ResultKind } from './messagepack-fields.ts'
import { writeValue } from './messagepack-value.ts'

/** Arrays in MessagePack, each behind its length. */
export const messagePackProtocol: HubProtocol = {
  name: 'messagepack',
  version: 2,
  isBinary: true,
  createReader: (limits) => new MessagePackReader(limits),
  encode,
  encodeRawInvocation(target, argumentJson) {
    const json = typeof argumentJson === 'string' ? argumentJson : textOf(argumentJson)
    return encode({ type: MessageType.invocation, target, arguments: [JSON.parse(json)] })
  },
}

class MessagePackReader implements MessageReader {
  weight = 0
  readonly #records: BinaryRecords
  readonly #limits: ReaderLimits

  constructor(limits: ReaderLimits) {
    this.#records = new BinaryRecords(limits.messageBytes)
    this.#limits = limits
  }

  push(bytes: Buffer): void {
    this.#records.push(bytes)
  }

  next(): HubMessage | null | undefined {
    const record = this.#records.next()
    if (record === undefined) return undefined
    const { elements, values } = elementsOf(record, this.#limits)
    this.weight = weightOf(record.length, values)
    return messageOf(fieldsOf(elements)) ?? null
  }
}

function encode(message: HubMessage): EncodedMessage {
  const body = writeValue(elementsFor(message))
  const payloadLength = prefixLengthOf(body.length) + body.length
  return new EncodedMessage(payloadLength, { isBinary: true, isCounted: isCounted(message) }, (frame, offset) => {
    frame.set(body, writePrefix(frame, offset, body.length))
  })
}

/** Clients expect every element, with nil, or something empty, for what is not there. */
function elementsFor(message: HubMessage): readonly unknown[] {
  const { type } = message
  switch (type) {
    case MessageType.invocation:
    case MessageType.streamInvocation:
      return [
        type,
        message.headers ?? {},
        message.invocationId,
        message.target,
        message.arguments,
        message.streamIds ?? [],
      ]
    case MessageType.streamItem:
      return [type, message.headers ?? {}, message.invocationId, message.item]
    case MessageType.completion:
      return [type, message.headers ?? {}, message.invocationId, ...outcomeFor(message)]
    case MessageType.cancelInvocation:
      return [type, message.headers ?? {}, message.invocationId]
    case MessageType.ping:
      return [type]
    case MessageType.close:
      return [type, message.error, message.allowReconnect ?? false]
    case MessageType.ack:
    case MessageType.sequence:
      return [type, message.sequenceId]
  }
}

function outcomeFor({ error, result }: Completion): readonly unknown[] {
  if (error !== undefined) return [ResultKind.error, error]
  return result === undefined ? [ResultKind.nothing] : [ResultKind.value, result]
}

const textOf = (utf8: Uint8Array): string => Buffer.from(utf8.buffer, utf8.byteOffset, utf8.byteLength).toString()
