/** What one client may cost. All are on by default. */
export interface Limits {
  /** Bytes of one hub message that a client sends, framing included. */
  readonly messageBytes: number
  /** Bytes of what a client sends at once, as one WebSocket message or POST: hub messages that wait go together. */
  readonly batchBytes: number
  /** POSTs of one connection at the same time. Clients send one after the other. */
  readonly postsAtOnce: number
  /** Fragments of one WebSocket message. */
  readonly webSocketFragments: number
  /** Pieces in which an unfinished WebSocket frame may lie in memory. */
  readonly webSocketChunks: number
  /** Levels of arrays and objects within each other, the hub message itself being the first. */
  readonly nestingDepth: number
  /** Values of all kinds in one hub message, names included: few bytes can be many of them. */
  readonly messageValues: number
  /** Invocations of one connection that run or wait. Beyond it the socket is not read. */
  readonly unfinishedInvocations: number
  /**
   * What may wait or run of one connection, in memory and roughly: its invocations, the items of its uploads. Beyond it the
   * client is not read.
   */
  readonly unfinishedBytes: number
  /** Streams of one connection that are open, in both directions together. Invocations with more are refused. */
  readonly openStreams: number
  /** Items of a stream from a client that wait for their method. Beyond it the socket is not read. */
  readonly uploadItems: number
  /** Bytes in which the answer to a call by the server is looked for behind messages for which there is no room. */
  readonly readAheadBytes: number
  /** Connections of one user, if the server is told how to know users. Beyond it the oldest is closed. */
  readonly connectionsPerUser: number
  /** Above this many bytes waiting for a client, ephemeral frames are dropped and state frames replace older ones. */
  readonly lossyAboveBytes: number
  /** A client is too slow when more bytes than this wait for it... */
  readonly bufferedBytes: number
  /** ...or when the oldest of them has waited longer than this. */
  readonly bufferedMs: number
  /** Bytes that a client with stateful reconnect has not acknowledged. Beyond it nothing more is sent to it. */
  readonly unacknowledgedBytes: number
  /** Sockets and streams that clients have left behind open. Beyond it the oldest is closed. */
  readonly abandonedSockets: number
  /** Negotiations whose client has not connected yet. */
  readonly pendingNegotiations: number
  /** Clients that begin to connect in one second, a whole number. The others are told to come back later. */
  readonly handshakesPerSecond: number
}

export const defaultLimits: Limits = {
  messageBytes: 128 * 1024,
  batchBytes: 1024 * 1024,
  postsAtOnce: 16,
  webSocketFragments: 64,
  webSocketChunks: 1024,
  nestingDepth: 32,
  messageValues: 20_000,
  unfinishedInvocations: 32,
  unfinishedBytes: 1024 * 1024,
  openStreams: 100,
  uploadItems: 10,
  readAheadBytes: 1024 * 1024,
  connectionsPerUser: 100,
  lossyAboveBytes: 256 * 1024,
  bufferedBytes: 1024 * 1024,
  bufferedMs: 10_000,
  unacknowledgedBytes: 100_000,
  abandonedSockets: 256,
  pendingNegotiations: 20_000,
  handshakesPerSecond: 1_000,
}
