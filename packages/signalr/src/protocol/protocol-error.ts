/** The other side sent something that is not the hub protocol. It ends the connection. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
}

export class MessageTooLargeError extends ProtocolError {
  override readonly name = 'MessageTooLargeError'

  constructor(maxBytes: number) {
    super(`The maximum message size of ${maxBytes}B was exceeded.`)
  }
}
