import { isLoopback } from './loopback.ts'

/**
 * Whether a page of this origin belongs to the client, by its redirect URIs, and so may ask for its tokens. The ports of a
 * native client's loopback addresses do not count, as they do not in the redirect URIs themselves.
 */
export function isClientOrigin(origin: string, client: { redirectUris: readonly string[]; native: boolean }): boolean {
  const asked = comparable(origin, client.native)
  return asked !== null && client.redirectUris.some((uri) => comparable(uri, client.native) === asked)
}

function comparable(uri: string, withoutLoopbackPort: boolean): string | null {
  const url = URL.parse(uri)
  if (url === null || !/^https?:$/.test(url.protocol)) return null
  if (withoutLoopbackPort && isLoopback(url.hostname)) url.port = ''
  return url.origin
}
