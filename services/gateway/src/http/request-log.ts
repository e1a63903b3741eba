import { randomUUID } from 'node:crypto'
import type { Logger } from '@parley/runtime'
import type { RequestHandler, Response } from 'express'

const REQUEST_ID = /^[\w-]{8,64}$/

export const requestIdOf = (response: Response): string => response.locals['requestId'] as string

/**
 * Gives each request its id (a caller's own `X-Request-Id` is kept) and logs one line when it is answered. Of the URL only
 * the path is logged: queries can hold tokens.
 */
export function requestLog(log: Logger): RequestHandler {
  return (request, response, next) => {
    const given = request.get('x-request-id')
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID()
    response.locals['requestId'] = requestId
    response.setHeader('X-Request-Id', requestId)
    const startedAt = performance.now()
    const { method, path } = request
    response.once('close', () => {
      const durationMs = Math.round(performance.now() - startedAt)
      log.info({ requestId, method, path, status: response.statusCode, durationMs }, 'request answered')
    })
    next()
  }
}
