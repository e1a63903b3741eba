/** A piece of what a NATS server says, byte for byte: a message with its payload, or any other line. */
export interface NatsPiece {
  /** Of a message only. */
  readonly subject: string | undefined
  readonly bytes: Buffer
}

const LINE_END = '\r\n'

/** Cuts what a NATS server says into pieces, however it comes. */
export class NatsStream {
  #waiting: Buffer[] = []
  #size = 0
  /** Bytes that must have come before there is something to be cut. */
  #wanted = 1

  push(chunk: Buffer): NatsPiece[] {
    this.#waiting.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#wanted) return []
    let bytes = Buffer.concat(this.#waiting)
    const pieces: NatsPiece[] = []
    for (;;) {
      const lineEnd = bytes.indexOf(LINE_END)
      if (lineEnd < 0) {
        this.#wanted = bytes.length + 1
        break
      }
      const { subject, payloadSize } = readLine(bytes.toString('latin1', 0, lineEnd))
      const size = lineEnd + LINE_END.length + (payloadSize === undefined ? 0 : payloadSize + LINE_END.length)
      if (bytes.length < size) {
        this.#wanted = size
        break
      }
      pieces.push({ subject, bytes: bytes.subarray(0, size) })
      bytes = bytes.subarray(size)
    }
    this.#waiting = [bytes]
    this.#size = bytes.length
    return pieces
  }
}

/** `MSG <subject> <sid> [reply] <size>`, `HMSG <subject> <sid> [reply] <headers' size> <size of all>`, or something else. */
function readLine(line: string): { subject: string | undefined; payloadSize: number | undefined } {
  const [verb = '', ...words] = line.split(/[ \t]+/)
  if (!/^H?MSG$/i.test(verb)) return { subject: undefined, payloadSize: undefined }
  return { subject: words[0], payloadSize: Number(words.at(-1)) }
}
