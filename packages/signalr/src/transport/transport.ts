import type { EncodedMessage } from '../protocol/encoded-message.ts'
import type { TransportName } from './transport-name.ts'

/**
 * How long a client may take to agree to the end of its transport. With its time-out of 30 s and the ticks in which both are
 * counted, less than 35 s: then nothing is left of a client that is there no more.
 */
export const CLOSE_TIMEOUT_MS = 3_000

/** Carries the bytes of one connection, both ways. */
export interface Transport {
  readonly name: TransportName
  /** Bytes given to `write` that the operating system has not taken yet. */
  readonly bufferedBytes: number
  /** Sends the messages together. False: not all was taken at once, and the listener's `drained` comes when it was. */
  write(messages: readonly EncodedMessage[]): boolean
  /** What arrives stays with the sender, but for what has been read already. */
  pause(): void
  resume(): void
  /** Ends in good order behind what was written; by force if the other side does not agree in time. */
  close(): void
  /**
   * Leaves it open to a client that may have abandoned it and would take its end for that of another connection. For the
   * listener it closes. Absent where no client does that.
   */
  abandon?(): void
}

export interface TransportListener {
  received(bytes: Buffer): void
  drained(): void
  /** Comes once, last. */
  closed(ending: TransportEnding): void
}

export type OpenTransport = (listener: TransportListener) => Transport

/**
 * Closed by the other side in good order; broken off; or ended because the other side broke the transport's own rules.
 */
export type TransportEnding = 'clean' | 'lost' | 'violated'
