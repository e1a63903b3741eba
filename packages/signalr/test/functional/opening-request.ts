import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** The request that opened a connection, as far as the hub's methods tell of it. */
export interface OpeningRequest {
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly cookies: ReadonlyMap<string, string>
}

export function openingRequest({ url = '', headers }: IncomingMessage): OpeningRequest {
  const pairs = (headers.cookie ?? '').split(/; */).map((pair): [string, string] => {
    const [name = '', value = ''] = pair.split('=')
    return [name, value]
  })
  return { query: new URLSearchParams(url.split('?')[1]), headers, cookies: new Map(pairs) }
}

/** Where every official client puts its token: browsers cannot set a header on a WebSocket. */
export function accessTokenOf({ query, headers }: OpeningRequest): string | undefined {
  return headers.authorization?.replace(/^Bearer\s+/i, '') ?? query.get('access_token') ?? undefined
}
