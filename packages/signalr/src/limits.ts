/** What one client may cost. All are on by default. */
export interface Limits {
  /** Bytes of one hub message that a client sends, framing included. */
  readonly messageBytes: number
  /** Bytes of one WebSocket message that a client sends: clients put hub messages that wait together into one. */
  readonly webSocketMessageBytes: number
  /** Fragments of one WebSocket message. */
  readonly webSocketFragments: number
  /** Pieces in which an unfinished WebSocket frame may lie in memory. */
  readonly webSocketChunks: number
  /** Levels of arrays and objects within each other, the hub message itself being the first. */
  readonly nestingDepth: number
  /** Invocations of one connection that run or wait. Beyond it the socket is not read. */
  readonly unfinishedInvocations: number
  /** Above this many bytes waiting for a client, ephemeral frames are dropped and state frames replace older ones. */
  readonly lossyAboveBytes: number
  /** A client is too slow when more bytes than this wait for it... */
  readonly bufferedBytes: number
  /** ...or when the oldest of them has waited longer than this. */
  readonly bufferedMs: number
  /** Negotiations whose client has not connected yet. */
  readonly pendingNegotiations: number
}

export const defaultLimits: Limits = {
  messageBytes: 128 * 1024,
  webSocketMessageBytes: 1024 * 1024,
  webSocketFragments: 64,
  webSocketChunks: 1024,
  nestingDepth: 32,
  unfinishedInvocations: 32,
  lossyAboveBytes: 256 * 1024,
  bufferedBytes: 1024 * 1024,
  bufferedMs: 10_000,
  pendingNegotiations: 20_000,
}
