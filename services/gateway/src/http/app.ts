import { refuse } from '@parley/contracts'
import { requestLog, type Logger } from '@parley/runtime'
import cors from 'cors'
import express, { type Express, type RequestHandler, type Router } from 'express'
import helmet from 'helmet'
import type { AllowOrigin } from './allowed-origin.ts'
import { problemHandler } from './problem.ts'

/** The headers that clients may send: SignalR's browser client names two of its own. */
const ALLOWED_HEADERS = ['authorization', 'content-type', 'x-request-id', 'x-requested-with', 'x-signalr-user-agent']
const PREFLIGHT_MAX_AGE_SECONDS = 600

/** Everything the gateway answers over HTTP, in the order in which it is tried. */
export function createApp(options: {
  health: Router
  limitRequests: RequestHandler
  authProxy: RequestHandler
  hub: RequestHandler
  rest: Router
  documents: Router
  devLogin: Router | null
  allowOrigin: AllowOrigin
  log: Logger
}): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.use(options.health)
  app.use(requestLog(options.log))
  app.use(helmet())
  app.use(
    cors({
      origin: (origin, answer) => answer(null, options.allowOrigin(origin)),
      credentials: true,
      allowedHeaders: ALLOWED_HEADERS,
      exposedHeaders: ['X-Request-Id', 'Retry-After'],
      maxAge: PREFLIGHT_MAX_AGE_SECONDS,
    }),
  )
  app.use(options.limitRequests)
  app.use(options.authProxy)
  app.use(options.hub)
  app.use('/api/v1', options.rest)
  app.use(options.documents)
  if (options.devLogin !== null) app.use(options.devLogin)
  app.use(() => {
    throw refuse.not_found()
  })
  app.use(problemHandler(options.log))
  return app
}
