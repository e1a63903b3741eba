import { requestIdOf } from '@parley/runtime'
import { refuse } from '@parley/contracts'
import { isForAnyone, operations, type Operation, type OperationName } from '@parley/protocol'
import { Router, json, type Request, type RequestHandler } from 'express'
import { z } from 'zod'
import { bearerTokenOf } from '../identity/bearer-token.ts'
import type { VerifyToken } from '../identity/verify-token.ts'
import type { Perform } from '../perform-operation.ts'

/** 10,000 characters take up to 120 KB when all are escaped. */
export const BODY_LIMIT = '128kb'

/** The REST routes of all operations, to be mounted at `/api/v1`. */
export function restRoutes(options: { perform: Perform; verifyToken: VerifyToken }): Router {
  const routes = Router({ caseSensitive: true })
  routes.use(json({ limit: BODY_LIMIT }))
  const methodsByPath = new Map<string, string[]>()
  for (const [name, declared] of Object.entries<Operation>(operations)) {
    if (declared.rest === undefined) continue
    const [method = '', template = ''] = declared.rest.split(' ')
    const path = template.replace(/\{(\w+)\}/g, ':$1')
    methodsByPath.set(path, [...(methodsByPath.get(path) ?? []), method])
    routes[method.toLowerCase() as 'get'](path, answer(name as OperationName, declared, options))
  }
  for (const [path, methods] of methodsByPath) {
    routes.all(path, (_request, response) => {
      response.setHeader('Allow', methods.join(', '))
      throw refuse.method_not_allowed()
    })
  }
  return routes
}

function answer(
  name: OperationName,
  declared: Operation,
  { perform, verifyToken }: { perform: Perform; verifyToken: VerifyToken },
): RequestHandler {
  const readQuery = queryReaderOf(declared)
  return async (request, response) => {
    const identity = isForAnyone(name) ? undefined : await verifyToken(bearerTokenOf(request))
    const given = request.method === 'GET' || request.method === 'DELETE' ? readQuery(request) : bodyOf(request)
    const output = await perform(name, {
      identity,
      origin: request.headers.origin,
      connection: undefined,
      input: { ...given, ...request.params },
      requestId: requestIdOf(response),
    })
    response.setHeader('Cache-Control', declared.cacheControl ?? 'no-store')
    // Pages show it by its address.
    if (identity === undefined) response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
    if (declared.redirects === true && request.accepts('html', 'json') !== 'json') {
      response.redirect(302, (output as { url: string }).url)
      return
    }
    response.json(output)
  }
}

function bodyOf(request: Request): Record<string, unknown> {
  const body: unknown = request.body ?? {}
  // What is sent as something else was not read: nobody shall think that it was done.
  if (request.body === undefined && hasBody(request)) {
    throw refuse.invalid_input({}, 'The body must be sent as application/json.')
  }
  if (typeof body === 'object' && !Array.isArray(body)) return body as Record<string, unknown>
  throw refuse.invalid_input({}, 'The body must be a JSON object.')
}

const hasBody = ({ headers }: Request): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/**
 * A query's values are strings: the operation's input says which of them are numbers, which are `true` or `false`, and which are
 * lists (`a,b` or repeated).
 */
function queryReaderOf(declared: Operation): (request: Request) => Record<string, unknown> {
  const { properties = {} } = z.toJSONSchema(declared.input, { io: 'input', unrepresentable: 'any' })
  const typeOf = (name: string) => (properties[name] as { type?: string } | undefined)?.type
  return (request) => {
    const query = new URL(request.originalUrl, 'http://gateway').searchParams
    const names = [...new Set(query.keys())]
    return Object.fromEntries(names.map((name) => [name, valueOf(query.getAll(name), typeOf(name))]))
  }
}

function valueOf(values: string[], type: string | undefined): unknown {
  if (type === 'array') return values.flatMap((value) => value.split(',')).filter((value) => value !== '')
  const value = values.length === 1 ? values[0] : values
  if (type === 'integer' && typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value)
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}
