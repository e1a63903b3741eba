import { refuse } from '@parley/contracts'
import { requestLog, type Logger } from '@parley/runtime'
import express, { type Express, type Router } from 'express'
import type Provider from 'oidc-provider'
import { asIssuer } from '../oauth/as-issuer.ts'
import { answerErrors } from './errors.ts'
import { providerHandler } from './provider-handler.ts'
import { securityHeaders } from './security-headers.ts'

/** Everything that auth answers over HTTP, in the order in which it is tried. */
export function createApp(options: {
  issuer: string
  health: Router
  oauth: Router
  signIn: Router
  provider: () => Provider
  log: Logger
}): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.use(options.health)
  app.use(requestLog(options.log))
  app.use(securityHeaders())
  app.use(asIssuer(options.issuer))
  app.use(options.oauth)
  app.use(options.signIn)
  app.use(providerHandler(options.provider))
  app.use(() => {
    throw refuse.not_found()
  })
  app.use(answerErrors(options.log))
  return app
}
