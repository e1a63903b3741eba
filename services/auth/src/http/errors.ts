import { Refused, refuse } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import { refusals, type Refusal } from '@parley/protocol'
import { requestIdOf, type Logger } from '@parley/runtime'
import type { ErrorRequestHandler, Request, Response } from 'express'
import { errors } from 'oidc-provider'
import { errorPage, expiredSignInPage } from '../pages/error-page.ts'
import { sendPage } from './send-page.ts'

/** The last handler: whatever was thrown on the way becomes a page or a problem document, and never shows what is inside. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error)
      return
    }
    if (error instanceof errors.SessionNotFound) {
      sendPage(response, 400, expiredSignInPage())
      return
    }
    const { refusal } = refusedOf(error)
    if (refusal.code === 'internal') log.error({ error, requestId: requestIdOf(response) }, 'request failed')
    answerRefusal(request, response, refusal)
  }
}

function answerRefusal(request: Request, response: Response, refusal: Refusal): void {
  const { status, sentence: title } = refusals[refusal.code]
  if (status === 503) response.setHeader('Retry-After', '1')
  if (request.accepts(['json', 'html']) === 'html') {
    sendPage(response, status, errorPage(refusal))
    return
  }
  const problem = { type: 'about:blank', title, status, code: refusal.code, detail: refusal.sentence }
  response
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify({ ...problem, requestId: requestIdOf(response) }))
}

/** Express, its body parser and the OAuth library say by a status what was wrong with a request. */
function refusedOf(error: unknown): Refused {
  if (error instanceof Refused) return error
  if (isUnavailable(error) || error instanceof errors.TemporarilyUnavailable) return refuse.unavailable()
  const status = (error as { status?: unknown } | null)?.status
  if (status === 413) return refuse.payload_too_large()
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return refuse.invalid_input({}, 'The request could not be read.')
  }
  return refuse.internal()
}
