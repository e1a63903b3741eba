import { refuse } from '@parley/contracts'
import type { Logger } from '@parley/runtime'
import type { Request, RequestHandler, Response } from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import type { AddressOf } from '../limits/client-address.ts'
import { keepOwnConnection } from './own-connection.ts'
import { sendProblem } from './problem.ts'

const PROXY_TIMEOUT_MS = 10_000

/** What a client says of itself that `auth` is told by this gateway alone. And it has been told to continue already. */
const DROPPED_HEADERS = [
  'forwarded',
  'x-real-ip',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'expect',
]

/** Passes the OAuth pages and discovery on to `auth`, whose issuer is this gateway's public address. */
export function authProxy(options: { authUrl: string; addressOf: AddressOf; log: Logger }): RequestHandler {
  const proxy = createProxyMiddleware<Request, Response>({
    target: options.authUrl,
    proxyTimeout: PROXY_TIMEOUT_MS,
    ws: false,
    on: {
      // Read already, for its client to be counted.
      proxyReq(proxied, { body }) {
        if (Buffer.isBuffer(body)) proxied.write(body)
      },
      proxyRes: keepOwnConnection,
      // The library's own answer would repeat the URL, with what its query holds.
      error(error, _request, response) {
        options.log.error({ error }, 'auth could not be reached')
        if ('headersSent' in response && !response.headersSent) sendProblem(response, refuse.unavailable().refusal)
        else response.destroy()
      },
    },
  })
  return (request, response, next) => {
    const { path, headers } = request
    if (!path.startsWith('/oauth/') && !path.startsWith('/.well-known/')) return next()
    const address = options.addressOf(request)
    for (const name of DROPPED_HEADERS) delete headers[name]
    headers['x-forwarded-for'] = address
    return proxy(request, response, next)
  }
}
