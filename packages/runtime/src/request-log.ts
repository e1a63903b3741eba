import { randomUUID } from 'node:crypto'
import type { RequestHandler, Response } from 'express'
import type { Logger } from './logger.ts'

const REQUEST_ID = /^[\w-]{8,64}$/
/** What follows an OAuth page's name is the id of a sign-in under way. */
const SIGN_IN_ID = /^(\/oauth\/[^/]+\/).+/
/** Longer than any of ours. Nobody shall fill the disk with paths. */
const PATH_CHARACTERS = 300

/** The id that `requestLog` gave to the request of this response. */
export const requestIdOf = (response: Response): string => response.locals['requestId'] as string

/**
 * Gives each request its id (a caller's own `X-Request-Id` is kept) and logs one line when it is answered. Of the URL only
 * the path is logged, and not more than the beginning: queries hold codes and tokens.
 */
export function requestLog(log: Logger): RequestHandler {
  return (request, response, next) => {
    const given = request.get('x-request-id')
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID()
    response.locals['requestId'] = requestId
    response.setHeader('X-Request-Id', requestId)
    const startedAt = performance.now()
    const { method } = request
    const path = request.path.slice(0, PATH_CHARACTERS).replace(SIGN_IN_ID, '$1{id}')
    response.once('close', () => {
      const durationMs = Math.round(performance.now() - startedAt)
      log.info({ requestId, method, path, status: response.statusCode, durationMs }, 'request answered')
    })
    next()
  }
}
