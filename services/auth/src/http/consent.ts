import type { Logger } from '@parley/runtime'
import { Router, urlencoded, type Request, type Response } from 'express'
import type Provider from 'oidc-provider'
import { errors, type Grant, type Interaction } from 'oidc-provider'
import { API_RESOURCE, ACCESS_TOKEN_SCOPES, SCOPES } from '../oauth/api-resource.ts'
import { CONSENT_PATH } from '../oauth/routes.ts'
import { consentPage } from '../pages/consent-page.ts'
import { sendPage } from './send-page.ts'

/** Asks who is signed in whether a client that is not Parley's own may act for them. */
export function consentRoutes(options: {
  provider: () => Provider
  /** What people call this user. */
  nameOf: (userId: string) => Promise<string | undefined>
  log: Logger
}): Router {
  const { provider, nameOf, log } = options
  const routes = Router()

  routes.get(`${CONSENT_PATH}/:id`, async (request, response) => {
    const { uid, params, userId } = await askedOf(request, response)
    const client = await provider().Client.find(String(params['client_id']))
    const page = consentPage({
      action: `${CONSENT_PATH}/${uid}`,
      clientName: client?.clientName ?? String(params['client_id']),
      redirectUri: String(params['redirect_uri']),
      userName: (await nameOf(userId)) ?? '',
      scopes: scopesOf(params),
    })
    sendPage(response, 200, page)
  })

  routes.post(`${CONSENT_PATH}/:id`, urlencoded({ extended: false, limit: '1kb' }), async (request, response) => {
    const interaction = await askedOf(request, response)
    const allowed = (request.body as { answer?: unknown } | undefined)?.answer === 'allow'
    const { params, userId } = interaction
    log.info({ userId, clientId: params['client_id'], allowed }, 'consent answered')
    const result = allowed
      ? { consent: { grantId: await allow(interaction) } }
      : { error: 'access_denied', error_description: 'the user did not allow it' }
    await provider().interactionFinished(request, response, result)
  })

  /** The question of the path, if this browser was asked it: a cookie of this one question says so. */
  async function askedOf(request: Request, response: Response): Promise<Interaction & { userId: string }> {
    const interaction = await provider().interactionDetails(request, response)
    const userId = interaction.session?.accountId
    if (interaction.uid !== request.params['id'] || interaction.prompt.name !== 'consent' || userId === undefined) {
      throw new errors.SessionNotFound('another question')
    }
    return Object.assign(interaction, { userId })
  }

  /** Remembers what was allowed, with what was allowed before in this browser, and answers the id of all that. */
  async function allow({ params, grantId, result, userId }: Interaction & { userId: string }): Promise<string> {
    const { Grant } = provider()
    const clientId = String(params['client_id'])
    const known = result?.consent?.grantId ?? grantId
    const existing: Grant | undefined = known === undefined ? undefined : await Grant.find(known)
    const isSame = existing?.accountId === userId && existing.clientId === clientId
    const grant = isSame ? existing : new Grant({ accountId: userId, clientId })
    const scopes = scopesOf(params)
    grant.addOIDCScope(scopes)
    grant.addResourceScope(
      API_RESOURCE,
      ACCESS_TOKEN_SCOPES.filter((scope) => scopes.includes(scope)),
    )
    return await grant.save()
  }

  return routes
}

const scopesOf = (params: Interaction['params']): string[] =>
  SCOPES.filter((scope) => String(params['scope']).split(' ').includes(scope))
