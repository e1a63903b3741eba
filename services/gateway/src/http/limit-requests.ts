import { raw, Router, type Request } from 'express'
import type { AddressOf } from '../limits/client-address.ts'
import type { Limits } from '../limits/open-limits.ts'
import { clientIdOf } from './client-id.ts'

/** Where clients show secrets, codes and tokens. */
const TOKEN_PATHS = ['/oauth/token', '/oauth/introspection', '/oauth/revocation']
/** Nobody signs in here: public keys, and what is asked with an access token. */
const OTHER_OAUTH_PATHS = ['/oauth/jwks', '/oauth/userinfo']
/** What such a request holds is a token, a code, an assertion. */
const TOKEN_BODY_LIMIT = '64kb'

/**
 * Counts every request by its client's address before anything else is done about it, but for those to the hub, which counts
 * who begins to connect. The body of a token request is read for its client id: `request.body` then has its bytes.
 */
export function limitRequests(options: {
  limits: Pick<Limits, 'admitRequest' | 'admitSignIn' | 'admitToken' | 'admitTokenClient'>
  addressOf: AddressOf
  hubPath: string
}): Router {
  const { limits, addressOf, hubPath } = options
  const admit = (path: string, address: string) => {
    if (path === hubPath || path.startsWith(`${hubPath}/`)) return undefined
    if (TOKEN_PATHS.includes(path)) return limits.admitToken(address)
    return isSignIn(path) ? limits.admitSignIn(address) : limits.admitRequest(address)
  }
  const routes = Router()
  routes.use(async (request, _response, next) => {
    await admit(normalPath(request), addressOf(request))
    next()
  })
  const readBytes = raw({ type: () => true, limit: TOKEN_BODY_LIMIT, inflate: false })
  routes.post(TOKEN_PATHS, readBytes, async (request, _response, next) => {
    const clientId = clientIdOf(request)
    if (clientId !== undefined) await limits.admitTokenClient(addressOf(request), clientId)
    next()
  })
  return routes
}

const isSignIn = (path: string): boolean =>
  path === '/dev/login' || (path.startsWith('/oauth/') && !OTHER_OAUTH_PATHS.includes(path))

/** As routers take it, which tell neither case nor slashes at the end apart. */
const normalPath = ({ path }: Request): string => path.toLowerCase().replace(/\/+$/, '')
