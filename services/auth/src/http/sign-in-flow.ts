import type { User } from '@parley/protocol'
import type { Logger } from '@parley/runtime'
import type { Request, Response } from 'express'
import type Provider from 'oidc-provider'
import { errors, type Interaction } from 'oidc-provider'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Upstream } from '../domain/upstream.ts'
import { SIGN_IN_PATH } from '../oauth/routes.ts'
import { noSignInPage, signInPage, type SignInPage } from '../pages/sign-in-page.ts'
import { sendPage } from './send-page.ts'

/** What all ways of signing in have in common: how they begin, the page, and the end. */
export interface SignInFlow {
  /** The sign-in of the path, if this browser began it: a cookie of this one sign-in says so. */
  interactionOf(request: Request, response: Response): Promise<Interaction>
  showPage(response: Response, interaction: Interaction, state?: PageState): Promise<void>
  /** Signed in: on to where the client waits. `upstream` is null for a name of development. */
  finish(
    request: Request,
    response: Response,
    interaction: Interaction,
    signedIn: { user: User; upstream: Upstream | null },
  ): Promise<void>
  /** Not signed in, for a reason that is worth keeping. */
  noteRefused(interaction: Interaction, upstream: Upstream, reason: string): Promise<void>
}

interface PageState {
  readonly status?: number
  readonly problem?: SignInPage['problem']
  /** What stands in the field of development, and what is wrong with it. */
  readonly name?: string
  readonly wrong?: string
}

export function createSignInFlow(options: {
  provider: () => Provider
  upstreams: readonly Upstream[]
  audit: AuditLog
  development: boolean
  log: Logger
}): SignInFlow {
  const { provider, upstreams, audit, development, log } = options

  return {
    async interactionOf(request, response) {
      const interaction = await provider().interactionDetails(request, response)
      if (interaction.uid !== request.params['id'] || interaction.prompt.name !== 'login')
        throw new errors.SessionNotFound('another sign-in')
      return interaction
    },

    async showPage(response, interaction, { status = 200, problem, name, wrong } = {}) {
      const { uid, params } = interaction
      const clientId = clientOf(interaction)
      const clientName = (await provider().Client.find(clientId))?.clientName ?? clientId
      if (!development && upstreams.length === 0) {
        sendPage(response, 503, noSignInPage(clientName))
        return
      }
      const field = {
        action: `${SIGN_IN_PATH}/${uid}`,
        redirectUri: String(params['redirect_uri']),
        name: name ?? loginHintOf(interaction) ?? '',
        ...(wrong === undefined ? {} : { wrong }),
      }
      const page = signInPage({
        clientName,
        upstreams: upstreams.map((upstream) => ({
          name: upstream.name,
          href: `${SIGN_IN_PATH}/${uid}/with/${upstream.id}`,
        })),
        development: development ? field : null,
        ...(problem === undefined ? {} : { problem }),
      })
      sendPage(response, status, page)
    },

    async finish(request, response, interaction, { user, upstream }) {
      const details = { upstream: upstream?.id ?? null, client: clientOf(interaction) }
      await audit.record({ action: 'signed-in', actorId: user.id, userId: user.id, details })
      log.info({ userId: user.id, ...details }, 'signed in')
      await provider().interactionFinished(request, response, { login: { accountId: user.id } })
    },

    async noteRefused(interaction, upstream, reason) {
      const details = { upstream: upstream.id, client: clientOf(interaction), reason }
      await audit.record({ action: 'sign-in-refused', actorId: null, userId: null, details })
    },
  }
}

/** Whom the client expects. */
export function loginHintOf({ params }: Interaction): string | undefined {
  const hint = params['login_hint']
  return typeof hint === 'string' ? hint : undefined
}

const clientOf = ({ params }: Interaction): string => String(params['client_id'])
