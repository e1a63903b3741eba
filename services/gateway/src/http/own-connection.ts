import type { IncomingMessage, ServerResponse } from 'node:http'

/** For answers that are passed on: whether a client's TCP connection stays open is said by this gateway, not by who answers. */
export function keepOwnConnection(answer: IncomingMessage, _request: IncomingMessage, response: ServerResponse): void {
  answer.headers.connection = String(response.getHeader('connection') ?? 'keep-alive')
}
