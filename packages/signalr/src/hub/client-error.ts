/** What a client answered instead of a result. Its text is the client's: other clients do not get to see it. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
}
