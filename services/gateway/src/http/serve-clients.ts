import type { Server } from 'node:http'
import { serveHttp, type Health, type Logger } from '@parley/runtime'
import type { HubServer } from '@parley/signalr'
import type { Calls } from '../calls-over.ts'
import type { Config } from '../config.ts'
import type { VerifyToken } from '../identity/verify-token.ts'
import type { Perform } from '../perform-operation.ts'
import { stopTimesMs } from '../stop-in-time.ts'
import type { AllowOrigin } from './allowed-origin.ts'
import { createApp } from './app.ts'
import { authProxy } from './auth-proxy.ts'
import { devLoginRoute } from './dev-login.ts'
import { documentRoutes } from './documents.ts'
import { restRoutes } from './rest-routes.ts'

/** Listens for clients: REST, the hub's requests, the OAuth pages of `auth`, documents, health. */
export function serveClients(options: {
  config: Config
  health: Health
  hub: Pick<HubServer<unknown>, 'handleRequest'>
  perform: Perform
  verifyToken: VerifyToken
  allowOrigin: AllowOrigin
  calls: Pick<Calls, 'auth'>
  log: Logger
}): Promise<AsyncDisposable & { readonly port: number; readonly server: Server }> {
  const { config, hub, calls, log } = options
  const app = createApp({
    health: options.health.routes,
    authProxy: authProxy({ authUrl: config.authUrl, log }),
    hub: hub.handleRequest,
    rest: restRoutes(options),
    documents: documentRoutes({ publicUrl: config.publicUrl }),
    devLogin: config.environment === 'development' ? devLoginRoute(calls.auth) : null,
    allowOrigin: options.allowOrigin,
    log,
  })
  return serveHttp(app, { ...config.http, closeTimeoutMs: stopTimesMs.http })
}
