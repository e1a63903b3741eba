import type { IncomingMessage } from 'node:http'

/** The token of the `Authorization` header. */
export function bearerTokenOf(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

/** On the hub a browser can only put the token into the query (`access_token`); the header comes first where both are there. */
export function hubTokenOf(request: IncomingMessage): string | undefined {
  return bearerTokenOf(request) ?? queryOf(request, 'access_token')
}

/** The hub does not tell the case of names apart. */
function queryOf(request: IncomingMessage, name: string): string | undefined {
  const query = new URL(request.url ?? '/', 'http://gateway').searchParams
  for (const [key, value] of query) if (key.toLowerCase() === name) return value
  return undefined
}
