import { isUnavailable } from '@parley/postgres'
import type { Logger } from '@parley/runtime'
import cors from 'cors'
import { Router, urlencoded, type ErrorRequestHandler, type Request } from 'express'
import type Provider from 'oidc-provider'
import { errors, type Client } from 'oidc-provider'
import { authenticateClient } from '../oauth/client-authentication.ts'

export type Form = Readonly<Record<string, string>>

/** Where clients send a form and say who they are. Whatever happens is answered in the words of OAuth; null is an empty answer. */
export function clientRoute(
  path: string,
  options: { provider: () => Provider; log: Logger },
  answer: (client: Client, form: Form) => Promise<object | null>,
): Router {
  const { provider, log } = options
  // Any page may ask: it needs a token, which no browser adds by itself.
  const crossOrigin = cors({ methods: ['POST'], maxAge: CORS_MAX_AGE_SECONDS })
  const refused: ErrorRequestHandler = (error: unknown, request, response, next) => {
    const refusal = oauthErrorOf(error)
    if (refusal === undefined) {
      next(error)
      return
    }
    log.info({ path, code: refusal.error, detail: refusal.error_detail }, 'oauth request refused')
    if (refusal.statusCode === 401 && request.get('authorization') !== undefined) {
      response.setHeader('WWW-Authenticate', 'Basic realm="Parley"')
    }
    response.status(refusal.statusCode).json({ error: refusal.error, error_description: refusal.error_description })
  }
  return Router()
    .options(path, crossOrigin)
    .post(path, crossOrigin, urlencoded({ extended: false, limit: '32kb' }), async (request, response) => {
      response.setHeader('Cache-Control', 'no-store')
      const form = formOf(request)
      const client = await authenticateClient(provider(), form, request.get('authorization'))
      const answered = await answer(client, form)
      if (answered === null) response.end()
      else response.json(answered)
    })
    .use(path, refused)
}

const CORS_MAX_AGE_SECONDS = 600

function formOf(request: Request): Form {
  const form = Object.entries((request.body ?? {}) as Record<string, unknown>)
  for (const [name, value] of form) {
    if (typeof value !== 'string') throw new errors.InvalidRequest(`'${name}' parameter must not be provided twice`)
  }
  return Object.fromEntries(form) as Form
}

function oauthErrorOf(error: unknown): errors.OIDCProviderError | undefined {
  if (error instanceof errors.OIDCProviderError) return error
  if (isUnavailable(error)) {
    return Object.assign(new errors.TemporarilyUnavailable('try again soon'), { status: 503, statusCode: 503 })
  }
  const status = (error as { status?: unknown } | null)?.status
  const isUnreadable = typeof status === 'number' && status >= 400 && status < 500
  return isUnreadable ? new errors.InvalidRequest('failed to parse the request body') : undefined
}

export function tokenOf({ token }: Form): string {
  if (token === undefined || token === '') throw new errors.InvalidRequest("missing required parameter 'token'")
  return token
}
