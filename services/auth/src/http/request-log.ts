import { randomUUID } from 'node:crypto'
import type { Logger } from '@parley/runtime'
import type { RequestHandler, Response } from 'express'

const REQUEST_ID = /^[\w-]{8,64}$/
/** Paths that end with the id of a sign-in under way. */
const WITH_ID = /^(\/oauth\/(?:authorize|sign-in)\/).+/

export const requestIdOf = (response: Response): string => response.locals['requestId'] as string

/** Logs one line when a request is answered. Of the URL only the path: queries hold codes and tokens. */
export function requestLog(log: Logger): RequestHandler {
  return (request, response, next) => {
    const given = request.get('x-request-id')
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID()
    response.locals['requestId'] = requestId
    response.setHeader('X-Request-Id', requestId)
    const startedAt = performance.now()
    const { method } = request
    const path = request.path.replace(WITH_ID, '$1{id}')
    response.once('close', () => {
      const durationMs = Math.round(performance.now() - startedAt)
      log.info({ requestId, method, path, status: response.statusCode, durationMs }, 'request answered')
    })
    next()
  }
}
