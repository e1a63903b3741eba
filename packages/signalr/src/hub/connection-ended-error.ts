/** The connection of a client has ended before the client gave what was waited for. */
export class ConnectionEndedError extends Error {
  override readonly name = 'ConnectionEndedError'

  constructor() {
    super('The connection has ended.')
  }
}
