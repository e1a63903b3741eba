import type { IncomingMessage, ServerResponse } from 'node:http'

/** For answers that are passed on: whether a client's TCP connection stays open is said by the client and this gateway alone. */
export function keepOwnConnection(answer: IncomingMessage, _request: IncomingMessage, response: ServerResponse): void {
  const usual = response.shouldKeepAlive ? 'keep-alive' : 'close'
  answer.headers.connection = String(response.getHeader('connection') ?? usual)
}
