import type { User } from '@parley/protocol'
import cors from 'cors'
import { Router, type RequestHandler } from 'express'
import { claimsOf } from '../oauth/account.ts'
import { routes } from '../oauth/routes.ts'

/** Who the bearer of an access token is, as OpenID Connect clients ask it. */
export function userinfoRoutes(findBearer: (accessToken: string) => Promise<User | undefined>): Router {
  const answer: RequestHandler = async (request, response) => {
    const token = /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '')?.[1]
    const user = token === undefined ? undefined : await findBearer(token)
    response.setHeader('Cache-Control', 'no-store')
    if (user !== undefined) {
      response.json(claimsOf(user))
      return
    }
    response.status(401).setHeader('WWW-Authenticate', 'Bearer error="invalid_token"')
    response.json({ error: 'invalid_token', error_description: 'A valid access token is needed.' })
  }
  // Any page may ask: it needs the token, which no browser adds by itself.
  const crossOrigin = cors({
    methods: ['GET', 'POST'],
    allowedHeaders: ['authorization'],
    maxAge: CORS_MAX_AGE_SECONDS,
  })
  return Router()
    .options(routes.userinfo, crossOrigin)
    .get(routes.userinfo, crossOrigin, answer)
    .post(routes.userinfo, crossOrigin, answer)
}

const CORS_MAX_AGE_SECONDS = 600
