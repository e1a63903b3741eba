import type { Logger } from '@parley/runtime'
import { Router, urlencoded, type Request, type Response } from 'express'
import type Provider from 'oidc-provider'
import { errors, type Interaction } from 'oidc-provider'
import { DisplayName } from '../domain/display-name.ts'
import { developmentIdentity } from '../domain/identity.ts'
import { SIGN_IN_PATH } from '../oauth/routes.ts'
import { signInPage } from '../pages/sign-in-page.ts'
import type { SignIn } from '../sign-in.ts'
import { sendPage } from './send-page.ts'

/** Development only: the page to choose a name on. Who opened it is known by a cookie of this one sign-in. */
export function signInRoutes(options: { provider: Provider; signIn: SignIn; log: Logger }): Router {
  const { provider, signIn, log } = options
  const routes = Router()

  routes.get(`${SIGN_IN_PATH}/:id`, async (request, response) => {
    const interaction = await interactionOf(provider, request, response)
    const hint = interaction.params['login_hint']
    await answerPage(response, interaction, { name: typeof hint === 'string' ? hint : '' })
  })

  routes.post(`${SIGN_IN_PATH}/:id`, urlencoded({ extended: false, limit: '4kb' }), async (request, response) => {
    const interaction = await interactionOf(provider, request, response)
    const given: unknown = (request.body as { name?: unknown } | undefined)?.name
    const name = DisplayName.safeParse(typeof given === 'string' ? given.trim() : '')
    if (!name.success) {
      const wrong = name.error.issues[0]?.message ?? 'is not valid'
      await answerPage(response, interaction, { name: typeof given === 'string' ? given : '', wrong })
      return
    }
    const user = await signIn(developmentIdentity(name.data), name.data)
    log.info({ userId: user.id, clientId: interaction.params['client_id'] }, 'signed in')
    await provider.interactionFinished(request, response, { login: { accountId: user.id } })
  })

  async function answerPage(
    response: Response,
    { uid, params }: Interaction,
    state: { name: string; wrong?: string },
  ): Promise<void> {
    const client = await provider.Client.find(String(params['client_id']))
    const page = signInPage({
      action: `${SIGN_IN_PATH}/${uid}`,
      clientName: client?.clientName ?? String(params['client_id']),
      redirectUri: String(params['redirect_uri']),
      ...state,
    })
    sendPage(response, state.wrong === undefined ? 200 : 422, page)
  }

  return routes
}

async function interactionOf(provider: Provider, request: Request, response: Response): Promise<Interaction> {
  const interaction = await provider.interactionDetails(request, response)
  if (interaction.uid !== request.params['id']) throw new errors.SessionNotFound('another sign-in')
  return interaction
}
