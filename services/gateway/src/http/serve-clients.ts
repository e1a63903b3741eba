import type { Server } from 'node:http'
import { serveHttp, type Health, type Logger } from '@parley/runtime'
import type { HubServer } from '@parley/signalr'
import type { Calls } from '../calls-over.ts'
import type { Config } from '../config.ts'
import { HUB_PATH } from '../hub/open-hub.ts'
import type { VerifyToken } from '../identity/verify-token.ts'
import type { AddressOf } from '../limits/client-address.ts'
import type { Limits } from '../limits/open-limits.ts'
import type { Perform } from '../perform-operation.ts'
import { stopTimesMs } from '../stop-in-time.ts'
import type { AllowOrigin } from './allowed-origin.ts'
import { createApp } from './app.ts'
import { authProxy } from './auth-proxy.ts'
import { devLoginRoute } from './dev-login.ts'
import { documentRoutes } from './documents.ts'
import { limitRequests } from './limit-requests.ts'
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
  limits: Limits
  addressOf: AddressOf
  log: Logger
}): Promise<AsyncDisposable & { readonly port: number; readonly server: Server }> {
  const { config, hub, calls, log } = options
  const app = createApp({
    health: options.health.routes,
    limitRequests: limitRequests({ ...options, hubPath: HUB_PATH }),
    authProxy: authProxy({ ...options, authUrl: config.authUrl }),
    hub: hub.handleRequest,
    rest: restRoutes(options),
    documents: documentRoutes({ publicUrl: config.publicUrl }),
    devLogin: config.environment === 'development' ? devLoginRoute(calls.auth) : null,
    allowOrigin: options.allowOrigin,
    log,
  })
  return serveHttp(app, { ...config.http, closeTimeoutMs: stopTimesMs.http })
}
