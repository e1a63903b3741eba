import { Refused, refuse } from '@parley/contracts'
import { refusals, type Refusal } from '@parley/protocol'
import { requestIdOf, type Logger } from '@parley/runtime'
import type { ErrorRequestHandler, Response } from 'express'
import { isForPage, problemPage } from './problem-page.ts'
import { retryAfterOf } from './retry-after.ts'

/** Answers a refusal as a problem document (RFC 9457), or as a page where a person would have seen one. */
export function sendProblem(response: Response, refusal: Refusal): void {
  const { status, sentence } = refusals[refusal.code]
  const retryAfter = retryAfterOf(refusal)
  if (refusal.code === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Bearer')
  if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter))
  response.setHeader('Cache-Control', 'no-store')
  response.status(status)
  if (isForPage(response.req)) {
    response.type('html').send(problemPage(status, retryAfter))
    return
  }
  response.type('application/problem+json').send(
    JSON.stringify({
      type: 'about:blank',
      title: sentence,
      status,
      code: refusal.code,
      detail: refusal.sentence,
      requestId: requestIdOf(response),
      ...refusal.data,
    }),
  )
}

/** The last handler: whatever was thrown on the way becomes a problem document, and never shows what is inside. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error)
      return
    }
    const refused = refusedOf(error)
    if (refused.refusal.code === 'internal') log.error({ error, requestId: requestIdOf(response) }, 'request failed')
    sendProblem(response, refused.refusal)
  }
}

/** Express and its body parser say by a status what was wrong with a request. */
function refusedOf(error: unknown): Refused {
  if (error instanceof Refused) return error
  const status = (error as { status?: unknown } | null)?.status
  if (status === 413) return refuse.payload_too_large()
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return refuse.invalid_input({}, 'The request could not be read.')
  }
  return refuse.internal()
}
