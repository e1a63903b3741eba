import type { IncomingMessage } from 'node:http'

/** The token of the `Authorization` header. */
export function bearerTokenOf(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

/** On the hub a browser can only put the token into the query (`access_token`); the header comes first where both are there. */
export function hubTokenOf(request: IncomingMessage): string | undefined {
  const query = new URL(request.url ?? '/', 'http://gateway').searchParams
  return bearerTokenOf(request) ?? query.get('access_token') ?? undefined
}
