/** Thrown by a hub method: the client gets exactly this text. The text of any other error stays on the server. */
export class HubError extends Error {
  override readonly name = 'HubError'
}
