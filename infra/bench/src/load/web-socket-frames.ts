/** As little of the WebSocket protocol as a load needs: whole frames, and a mask of zeros. */
export interface ReceivedFrame {
  readonly opcode: number
  readonly payload: Buffer
}

export const TEXT = 1
export const CLOSE = 8
export const PING = 9
export const PONG = 10

const FINAL = 0x80
const MASKED = 0x80
const MASK_BYTES = 4

/** A frame from a client. Masked with zeros, its payload stands there as it is. */
export function clientFrame(opcode: number, payload: Buffer | string): Buffer {
  const bytes = Buffer.from(payload)
  const header = bytes.length < 126 ? [MASKED | bytes.length] : [MASKED | 126, bytes.length >> 8, bytes.length & 0xff]
  return Buffer.concat([Buffer.from([FINAL | opcode, ...header]), Buffer.alloc(MASK_BYTES), bytes])
}

/** The frames from a server that are whole, and what is left over. */
export function readFrames(bytes: Buffer): { frames: ReceivedFrame[]; rest: Buffer } {
  const frames: ReceivedFrame[] = []
  let at = 0
  for (;;) {
    const header = headerAt(bytes, at)
    if (header === undefined || bytes.length < header.end) return { frames, rest: bytes.subarray(at) }
    frames.push({ opcode: header.opcode, payload: bytes.subarray(header.start, header.end) })
    at = header.end
  }
}

function headerAt(bytes: Buffer, at: number): { opcode: number; start: number; end: number } | undefined {
  if (bytes.length < at + 2) return undefined
  const opcode = bytes[at]! & 0x0f
  const short = bytes[at + 1]! & 0x7f
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0
  const start = at + 2 + lengthBytes
  if (bytes.length < start) return undefined
  const length =
    lengthBytes === 0 ? short : bytes.readUIntBE(start - Math.min(lengthBytes, 6), Math.min(lengthBytes, 6))
  return { opcode, start, end: start + length }
}
