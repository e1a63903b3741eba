import type { Fields } from './message-fields.ts'
import { ProtocolError } from './protocol-error.ts'

/** A JSON object, as every message and every handshake is one. Throws `ProtocolError`. */
export function parseObject(record: Buffer): Fields {
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
