import type { HubMessage } from './hub-message.ts'
import type { ReaderLimits } from './hub-protocol.ts'
import { messageOf, type Fields } from './message-fields.ts'
import { isNestedDeeper } from './nesting.ts'
import { ProtocolError } from './protocol-error.ts'

/** One message of the JSON protocol. Undefined for a message type that does not exist yet. Throws `ProtocolError`. */
export function readJsonMessage(record: Buffer, limits: Pick<ReaderLimits, 'nestingDepth'>): HubMessage | undefined {
  return messageOf(parseObject(record, limits.nestingDepth))
}

/** Also what a handshake is: a JSON object, not too deep. */
export function parseObject(record: Buffer, maxDepth: number): Fields {
  if (isNestedDeeper(record, maxDepth)) throw new ProtocolError(`The message is nested deeper than ${maxDepth} levels.`)
  let value: unknown
  try {
    value = JSON.parse(record.toString())
  } catch {
    // The parser's own error quotes the message, and this one may be logged.
    throw new ProtocolError('The message is not JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError('The message is not a JSON object.')
  }
  return value as Fields
}
