import { weightOf } from './complexity.ts'
import { EncodedMessage, encodeTextRecord, RECORD_SEPARATOR } from './encoded-message.ts'
import { isCounted, MessageType, type HubMessage } from './hub-message.ts'
import type { HubProtocol, MessageReader, ReaderLimits } from './hub-protocol.ts'
import { parseObject } from './json-object.ts'
import { countJsonValues } from './json-values.ts'
import { messageOf } from './message-fields.ts'
import { TextRecords } from './text-records.ts'

/** JSON objects, each ended by a record separator. */
export const jsonProtocol: HubProtocol = {
  name: 'json',
  version: 2,
  isBinary: false,
  createReader: (limits) => new JsonReader(limits),
  encode: (message) => encodeTextRecord(writeJsonMessage(message), isCounted(message)),
  encodeRawInvocation,
}

class JsonReader implements MessageReader {
  weight = 0
  readonly #records: TextRecords
  readonly #limits: ReaderLimits

  constructor(limits: ReaderLimits) {
    this.#records = new TextRecords(limits.messageBytes)
    this.#limits = limits
  }

  push(bytes: Buffer): void {
    this.#records.push(bytes)
  }

  next(): HubMessage | null | undefined {
    const record = this.#records.next()
    if (record === undefined) return undefined
    this.weight = weightOf(record.length, countJsonValues(record, this.#limits))
    return messageOf(parseObject(record)) ?? null
  }
}

/**
 * One message as JSON, without its separator. What is not there is left out, never null: the JavaScript client closes
 * the connection over `"invocationId":null`, and over an item that is missing.
 */
export function writeJsonMessage(message: HubMessage): string {
  if (message.type !== MessageType.streamItem) return JSON.stringify(message)
  const { item, ...others } = message
  return `${JSON.stringify(others).slice(0, -1)},"item":${JSON.stringify(item) ?? 'null'}}`
}

function encodeRawInvocation(target: string, argumentJson: string | Uint8Array): EncodedMessage {
  const before = `{"type":1,"target":${JSON.stringify(target)},"arguments":[`
  if (typeof argumentJson === 'string') return encodeTextRecord(`${before}${argumentJson}]}`, true)
  const beforeLength = Buffer.byteLength(before)
  const length = beforeLength + argumentJson.length + 3
  return new EncodedMessage(length, { isBinary: false, isCounted: true }, (frame, offset) => {
    frame.write(before, offset)
    frame.set(argumentJson, offset + beforeLength)
    frame.write(']}', offset + length - 3)
    frame[offset + length - 1] = RECORD_SEPARATOR
  })
}
