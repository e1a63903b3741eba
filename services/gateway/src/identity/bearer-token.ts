import type { IncomingMessage } from 'node:http'

/** The token of the `Authorization` header. Whoever shows two different ones shows none. */
export function bearerTokenOf(request: IncomingMessage): string | undefined {
  return theOnly(headerTokens(request))
}

/** On the hub a browser can only put the token into the query (`access_token`). It may stand in both places if it is the same. */
export function hubTokenOf(request: IncomingMessage): string | undefined {
  return theOnly([...headerTokens(request), ...queryTokens(request)])
}

/** Not `headers`, which has only the first of several. Of other schemes than `Bearer` nothing is looked at. */
function headerTokens({ rawHeaders }: IncomingMessage): string[] {
  const tokens: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== 'authorization') continue
    const [scheme = '', ...rest] = (rawHeaders[at + 1] ?? '').split(' ')
    if (scheme.toLowerCase() === 'bearer') tokens.push(rest.join(' ').trimStart())
  }
  return tokens
}

/** The hub does not tell the case of names apart. */
function queryTokens({ url = '/' }: IncomingMessage): string[] {
  const query = new URL(url, 'http://gateway').searchParams
  return [...query].filter(([key]) => key.toLowerCase() === 'access_token').map(([, value]) => value)
}

function theOnly([token, ...others]: string[]): string | undefined {
  return token === '' || others.some((other) => other !== token) ? undefined : token
}
