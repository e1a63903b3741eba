import helmet from 'helmet'
import type { RequestHandler } from 'express'
import { BASE_POLICY } from '../pages/page.ts'

export function securityHeaders(): RequestHandler {
  const headers = helmet({
    contentSecurityPolicy: false,
    // A client may open the sign-in in a window of its own and wait there for the answer.
    crossOriginOpenerPolicy: { policy: 'unsafe-none' },
  })
  return (request, response, next) => {
    response.setHeader('Content-Security-Policy', BASE_POLICY)
    headers(request, response, next)
  }
}
