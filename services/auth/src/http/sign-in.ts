import type { Logger } from '@parley/runtime'
import { Router } from 'express'
import type Provider from 'oidc-provider'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Federation } from '../federation/federation.ts'
import { SIGN_IN_PATH } from '../oauth/routes.ts'
import type { SignIn } from '../sign-in.ts'
import { developmentSignInRoutes } from './development-sign-in.ts'
import { createSignInFlow } from './sign-in-flow.ts'
import { upstreamSignIn } from './upstream-sign-in.ts'

/** Where clients send people to sign in: by the upstreams and, in development only, by any name. */
export function signInRoutes(options: {
  provider: () => Provider
  signIn: SignIn
  audit: AuditLog
  federation: Federation
  development: boolean
  log: Logger
}): Router {
  const { federation, signIn, development, log } = options
  const { upstreams } = federation
  const flow = createSignInFlow({ ...options, upstreams })
  const withUpstream = upstreamSignIn({ flow, federation, signIn, log })
  const onlyWay = !development && upstreams.length === 1 ? upstreams[0] : undefined

  const routes = Router().get(`${SIGN_IN_PATH}/:id`, async (request, response) => {
    const interaction = await flow.interactionOf(request, response)
    if (onlyWay === undefined) await flow.showPage(response, interaction)
    else await withUpstream.begin(response, interaction, onlyWay)
  })
  routes.use(withUpstream.routes)
  if (development) routes.use(developmentSignInRoutes({ flow, signIn }))
  return routes
}
