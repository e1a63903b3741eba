import { refuse } from '@parley/contracts'
import type { Logger } from '@parley/runtime'
import { Router, type Request, type Response } from 'express'
import { errors, type Interaction } from 'oidc-provider'
import { profileOf } from '../domain/foreign-profile.ts'
import type { Upstream } from '../domain/upstream.ts'
import { CALLBACK_PATH, interactionIdOf, type Federation } from '../federation/federation.ts'
import { UpstreamError, type UpstreamFailure } from '../federation/upstream-error.ts'
import { SIGN_IN_PATH } from '../oauth/routes.ts'
import type { SignIn } from '../sign-in.ts'
import { loginHintOf, type SignInFlow } from './sign-in-flow.ts'

export interface UpstreamSignIn {
  readonly routes: Router
  /** Sends the browser of a sign-in to an upstream. */
  begin(response: Response, interaction: Interaction, upstream: Upstream): Promise<void>
}

/** Signing in with an upstream: the way there, and the way back. */
export function upstreamSignIn(options: {
  flow: SignInFlow
  federation: Federation
  signIn: SignIn
  log: Logger
}): UpstreamSignIn {
  const { flow, federation, signIn, log } = options
  const routes = Router()

  routes.get(`${SIGN_IN_PATH}/:id/with/:upstream`, async (request, response) => {
    const upstream = upstreamOf(request)
    await begin(response, await flow.interactionOf(request, response), upstream)
  })

  routes.get(`${CALLBACK_PATH}/:upstream`, (request, response) => {
    const { id } = upstreamOf(request)
    const parameters = parametersOf(request)
    const interactionId = interactionIdOf(parameters.get('state') ?? '')
    if (interactionId === undefined) throw refuse.invalid_input({}, 'This is not the answer to a sign-in.')
    // The cookie of a sign-in is sent to its own paths only.
    const there = `${SIGN_IN_PATH}/${interactionId}/from/${id}?${parameters.toString()}`
    response.set('Cache-Control', 'no-store').redirect(303, there)
  })

  routes.get(`${SIGN_IN_PATH}/:id/from/:upstream`, async (request, response) => {
    const upstream = upstreamOf(request)
    const interaction = await flow.interactionOf(request, response)
    await orProblem(response, interaction, upstream, async () => {
      const user = await userOf(upstream, interaction, parametersOf(request))
      await flow.finish(request, response, interaction, { user, upstream })
    })
  })

  const begin: UpstreamSignIn['begin'] = (response, interaction, upstream) =>
    orProblem(response, interaction, upstream, async () => {
      const loginHint = loginHintOf(interaction)
      const url = await federation.begin(upstream, interaction.uid, {
        ...(loginHint === undefined ? {} : { loginHint }),
        again: mustShowAgain(interaction),
      })
      response.set('Cache-Control', 'no-store').redirect(303, url.href)
    })

  async function userOf(upstream: Upstream, interaction: Interaction, parameters: URLSearchParams) {
    try {
      const identified = await federation.finish(upstream, interaction.uid, parameters)
      if (identified === undefined) throw new errors.SessionNotFound('this answer has expired, or was used before')
      return await signIn(identified.identity, async () => profileOf(await identified.describe()))
    } catch (error) {
      if (error instanceof UpstreamError && error.failure !== 'unavailable')
        await flow.noteRefused(interaction, upstream, error.failure)
      throw error
    }
  }

  /** What fails at the upstream leads back to the page, which says so: the buttons on it are the retry. */
  async function orProblem(
    response: Response,
    interaction: Interaction,
    upstream: Upstream,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      const { failure, message: reason } = error
      log.warn({ upstream: upstream.id, failure, reason }, 'sign-in with an upstream did not work')
      const { status, code, sentence } = PROBLEMS[failure]
      if (status === 503) response.setHeader('Retry-After', RETRY_AFTER_SECONDS)
      await flow.showPage(response, interaction, { status, problem: { code, sentence: sentence(upstream.name) } })
    }
  }

  function upstreamOf(request: Request): Upstream {
    const upstream = federation.upstreams.find(({ id }) => id === request.params['upstream'])
    if (upstream === undefined) throw refuse.not_found()
    return upstream
  }

  return { routes, begin }
}

const RETRY_AFTER_SECONDS = 5

const PROBLEMS: Readonly<
  Record<UpstreamFailure, { status: number; code: string; sentence: (upstream: string) => string }>
> = {
  denied: {
    status: 403,
    code: 'access_denied',
    sentence: (name) => `You did not sign in with ${name}.`,
  },
  refused: {
    status: 400,
    code: 'sign_in_refused',
    sentence: (name) => `What came back from ${name} does not belong to this sign-in. Try again.`,
  },
  unavailable: {
    status: 503,
    code: 'upstream_unavailable',
    sentence: (name) => `${name} does not answer right now. Try again in a moment.`,
  },
  failed: {
    status: 502,
    code: 'upstream_failed',
    sentence: (name) => `Signing in with ${name} did not work. Try again, or tell whoever runs this server.`,
  },
}

/** A client that does not want to rely on an older sign-in of ours does not want to rely on one of the upstream either. */
const mustShowAgain = ({ params }: Interaction): boolean =>
  params['max_age'] !== undefined || String(params['prompt']).split(' ').includes('login')

/** Express's own would make lists of what is there twice, which is for the OAuth library to refuse. */
const parametersOf = ({ url }: Request): URLSearchParams => new URL(url, 'http://auth.invalid').searchParams
