const FIN = 0x80
const TEXT = 0x01
const BINARY = 0x02

/** Ends every message of the JSON protocol, and every handshake. */
export const RECORD_SEPARATOR = 0x1e

export interface EncodedKind {
  readonly isBinary: boolean
  /** Stateful reconnect numbers the message: it is neither a handshake nor a message about the connection itself. */
  readonly isCounted: boolean
}

/**
 * One hub message as bytes, behind the header that makes it one WebSocket message: the same buffer goes to every
 * WebSocket as it is, and to every other transport without its header.
 */
export class EncodedMessage implements EncodedKind {
  readonly webSocketFrame: Buffer
  readonly isBinary: boolean
  readonly isCounted: boolean

  /** `fill` writes the `payloadLength` bytes of the message to the buffer, from the offset. */
  constructor(
    payloadLength: number,
    { isBinary, isCounted }: EncodedKind,
    fill: (target: Buffer, offset: number) => void,
  ) {
    const offset = headerLengthOf(payloadLength)
    const frame = Buffer.allocUnsafe(offset + payloadLength)
    frame[0] = FIN | (isBinary ? BINARY : TEXT)
    if (offset === 2) {
      frame[1] = payloadLength
    } else if (offset === 4) {
      frame[1] = 126
      frame.writeUInt16BE(payloadLength, 2)
    } else {
      frame[1] = 127
      frame.writeBigUInt64BE(BigInt(payloadLength), 2)
    }
    fill(frame, offset)
    this.webSocketFrame = frame
    this.isBinary = isBinary
    this.isCounted = isCounted
  }

  get payload(): Buffer {
    const length = this.webSocketFrame[1]!
    return this.webSocketFrame.subarray(length < 126 ? 2 : length === 126 ? 4 : 10)
  }
}

/** A text and its record separator. */
export function encodeTextRecord(text: string, isCounted: boolean): EncodedMessage {
  const length = Buffer.byteLength(text)
  return new EncodedMessage(length + 1, { isBinary: false, isCounted }, (target, offset) => {
    target.write(text, offset)
    target[offset + length] = RECORD_SEPARATOR
  })
}

function headerLengthOf(payloadLength: number): number {
  if (payloadLength < 126) return 2
  return payloadLength < 65_536 ? 4 : 10
}
