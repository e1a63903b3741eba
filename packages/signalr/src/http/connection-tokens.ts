import { hash, randomBytes } from 'node:crypto'

/**
 * Makes and reads the secret that a client gets from negotiate and presents with every later request. The tokens of a
 * server that stands alone are random. Servers that share clients plug in signed ones, so that each can read the
 * other's.
 */
export interface ConnectionTokens {
  mint(options: { isStateful: boolean }): { readonly connectionId: string; readonly connectionToken: string }
  /** What a token stands for; null if no server of this installation can have minted it, or not lately. */
  read(connectionToken: string): TokenReading | null
}

export interface TokenReading {
  /** The public id. */
  readonly connectionId: string
  /** Negotiated with stateful reconnect. */
  readonly isStateful: boolean
  /** The server that minted it; undefined if it was this one. */
  readonly home: string | undefined
  /** Too old to open a connection with on another server than its home, which knows by itself. */
  readonly isExpired: boolean
}

/** 22 characters both. The id is derived from the token, which cannot be found from it. */
export const randomTokens: ConnectionTokens = {
  mint() {
    const connectionToken = randomBytes(16).toString('base64url')
    return { connectionId: idOf(connectionToken), connectionToken }
  },
  // Whether it is stateful, the server that minted it knows by itself.
  read: (connectionToken) => ({
    connectionId: idOf(connectionToken),
    isStateful: false,
    home: undefined,
    isExpired: false,
  }),
}

const idOf = (connectionToken: string): string => hash('sha256', connectionToken, 'base64url').slice(0, 22)
