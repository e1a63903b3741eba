import { Router, urlencoded } from 'express'
import { DisplayName } from '../domain/display-name.ts'
import { developmentIdentity } from '../domain/identity.ts'
import { SIGN_IN_PATH } from '../oauth/routes.ts'
import type { SignIn } from '../sign-in.ts'
import type { SignInFlow } from './sign-in-flow.ts'

/** Development only: whoever types a name is that user. */
export function developmentSignInRoutes(options: { flow: SignInFlow; signIn: SignIn }): Router {
  const { flow, signIn } = options
  return Router().post(
    `${SIGN_IN_PATH}/:id`,
    urlencoded({ extended: false, limit: '4kb' }),
    async (request, response) => {
      const interaction = await flow.interactionOf(request, response)
      const given: unknown = (request.body as { name?: unknown } | undefined)?.name
      const name = DisplayName.safeParse(typeof given === 'string' ? given.trim() : '')
      if (!name.success) {
        const wrong = name.error.issues[0]?.message ?? 'is not valid'
        await flow.showPage(response, interaction, { status: 422, name: typeof given === 'string' ? given : '', wrong })
        return
      }
      const displayName = name.data
      const user = await signIn(developmentIdentity(displayName), () => ({ displayName, avatarUrl: null }))
      await flow.finish(request, response, interaction, { user, upstream: null })
    },
  )
}
