import { refuse } from '@parley/contracts'
import type { RequestHandler } from 'express'

/**
 * The provider makes addresses, and decides about secure cookies, from the host and scheme of a request. Whatever a request
 * says of itself, it came for the issuer.
 */
export function asIssuer(issuer: string): RequestHandler {
  const { host, protocol } = new URL(issuer)
  return (request, _response, next) => {
    // A whole URL as the target would count more than any header.
    if (!request.url.startsWith('/')) throw refuse.invalid_input({}, 'The request target must be a path.')
    // Nothing that is stored can have it.
    if (/%00/.test(request.url)) throw refuse.invalid_input({}, 'The request target must not contain NUL.')
    request.headers['x-forwarded-host'] = host
    request.headers['x-forwarded-proto'] = protocol.slice(0, -1)
    next()
  }
}
