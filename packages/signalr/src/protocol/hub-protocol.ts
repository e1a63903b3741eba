import type { ComplexityLimits } from './complexity.ts'
import type { EncodedMessage } from './encoded-message.ts'
import type { HubMessage } from './hub-message.ts'

export interface ReaderLimits extends ComplexityLimits {
  /** Bytes of one hub message, framing included. */
  readonly messageBytes: number
}

/** Finds the messages in the bytes of one connection, wherever they were cut. */
export interface MessageReader {
  push(bytes: Buffer): void
  /**
   * The next whole message, or undefined until more is pushed; null for one of a type that does not exist yet. Throws
   * `ProtocolError`.
   */
  next(): HubMessage | null | undefined
  /** Of the message that was read last: what it takes in memory, in bytes, roughly. */
  readonly weight: number
}

/** One way of writing hub messages as bytes. It keeps no state, so one instance serves all connections. */
export interface HubProtocol {
  /** As the client names it in its handshake. */
  readonly name: string
  /** The highest handshake version that is understood. */
  readonly version: number
  /** Its messages are bytes, not text: they need a transport that carries those. */
  readonly isBinary: boolean
  createReader(limits: ReaderLimits): MessageReader
  encode(message: HubMessage): EncodedMessage
  /** An invocation without id whose only argument is already JSON. Throws if the protocol has to parse it and cannot. */
  encodeRawInvocation(target: string, argumentJson: string | Uint8Array): EncodedMessage
}
