import { transferFormats, type TransportName } from '../transport/transport-name.ts'
import { encodeTextRecord, EncodedMessage } from './encoded-message.ts'
import type { HubProtocol } from './hub-protocol.ts'
import { parseObject } from './json-object.ts'
import { countJsonValues } from './json-values.ts'
import { MessageTooLargeError, ProtocolError } from './protocol-error.ts'
import type { TextRecords } from './text-records.ts'

/** The client's first message, JSON in every protocol. */
export interface HandshakeRequest {
  readonly protocol: string
  readonly version: number
}

/** The handshake has failed, and the client is told why. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError'
}

/** Not there in time, or too large to be one. */
export const HANDSHAKE_CANCELED = 'Handshake was canceled.'
const HANDSHAKE_FAILED = 'An unexpected error occurred during connection handshake.'
const HANDSHAKE_LIMITS = { nestingDepth: 4, messageValues: 100 }

/** What the client asks for, and gets. */
export interface Agreement {
  readonly protocol: HubProtocol
  readonly version: number
}

/** Undefined until the client's request is whole. Throws `HandshakeError`. */
export function shakeHands(records: TextRecords, protocols: readonly HubProtocol[]): Agreement | undefined {
  try {
    const record = records.next()
    return record && agree(readHandshake(record), protocols)
  } catch (error) {
    if (error instanceof MessageTooLargeError) throw new HandshakeError(HANDSHAKE_CANCELED, { cause: error })
    if (error instanceof ProtocolError) throw new HandshakeError(HANDSHAKE_FAILED, { cause: error })
    throw error
  }
}

/** Throws `ProtocolError`. */
export function readHandshake(record: Buffer): HandshakeRequest {
  countJsonValues(record, HANDSHAKE_LIMITS)
  const { protocol, version } = parseObject(record)
  if (typeof protocol !== 'string') throw new ProtocolError("Expected 'protocol' to be a string.")
  if (!Number.isInteger(version)) throw new ProtocolError("Expected 'version' to be an integer.")
  return { protocol, version: version as number }
}

function agree({ protocol: name, version }: HandshakeRequest, protocols: readonly HubProtocol[]): Agreement {
  const protocol = protocols.find((known) => known.name === name)
  if (protocol === undefined) throw new HandshakeError(`The protocol '${name}' is not supported.`)
  if (version < 1 || version > protocol.version) {
    throw new HandshakeError(`The server does not support version ${version} of the '${name}' protocol.`)
  }
  return { protocol, version }
}

/** Throws `HandshakeError`. */
export function checkCarrier({ name, isBinary }: HubProtocol, transport: TransportName): void {
  const format = isBinary ? 'Binary' : 'Text'
  if (transferFormats[transport].includes(format)) return
  throw new HandshakeError(
    `Cannot use the '${name}' protocol on the current transport. ` +
      `The transport does not support '${format}' transfer format.`,
  )
}

const ACCEPTED = Buffer.from('{}\u001e')
const accepted = (isBinary: boolean) =>
  new EncodedMessage(ACCEPTED.length, { isBinary, isCounted: false }, (frame, offset) => frame.set(ACCEPTED, offset))
const acceptedInText = accepted(false)
const acceptedInBinary = accepted(true)

/** JSON in every protocol, in the kind of frame in which the messages of the protocol will come. */
export const handshakeAccepted = ({ isBinary }: HubProtocol): EncodedMessage =>
  isBinary ? acceptedInBinary : acceptedInText
export const handshakeRefused = (error: string): EncodedMessage => encodeTextRecord(JSON.stringify({ error }), false)
