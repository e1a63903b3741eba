import { refuse } from '@parley/contracts'
import type { Logger } from '@parley/runtime'
import type { RequestHandler, Response } from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { keepOwnConnection } from './own-connection.ts'
import { sendProblem } from './problem.ts'

const PROXY_TIMEOUT_MS = 10_000

/** Passes the OAuth pages and discovery on to `auth`, whose issuer is this gateway's public address. */
export function authProxy(options: { authUrl: string; log: Logger }): RequestHandler {
  return createProxyMiddleware({
    target: options.authUrl,
    pathFilter: (path) => path.startsWith('/oauth/') || path.startsWith('/.well-known/'),
    proxyTimeout: PROXY_TIMEOUT_MS,
    xfwd: true,
    ws: false,
    on: {
      proxyRes: keepOwnConnection,
      // The library's own answer would repeat the URL, with what its query holds.
      error(error, _request, response) {
        options.log.error({ error }, 'auth could not be reached')
        if ('headersSent' in response && !response.headersSent)
          sendProblem(response as Response, refuse.unavailable().refusal)
        else response.destroy()
      },
    },
  })
}
