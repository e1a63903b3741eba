import type { Handler } from '@parley/bus'
import type { auth } from '@parley/contracts'
import { displayNameOf } from '../domain/display-name.ts'
import { developmentIdentity } from '../domain/identity.ts'
import type { OAuth } from '../oauth/open-oauth.ts'
import type { SignIn } from '../sign-in.ts'

export const signInForDevelopment =
  (signIn: SignIn, issueAccessToken: OAuth['issueAccessToken']): Handler<typeof auth.calls.signInForDevelopment> =>
  async ({ name, admin }) => {
    const displayName = displayNameOf(name)
    const user = await signIn(developmentIdentity(displayName), displayName)
    return { accessToken: await issueAccessToken(user.id, { admin }), user }
  }
