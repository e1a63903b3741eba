import type { Handler } from '@parley/bus'
import type { auth } from '@parley/contracts'
import { externalSessionId } from '../domain/external-session.ts'
import { profileOf } from '../domain/foreign-profile.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SignIn } from '../sign-in.ts'

export const recognizeUser =
  (signIn: SignIn, sessions: Sessions): Handler<typeof auth.calls.recognizeUser> =>
  async ({ issuer, subject, displayName, avatarUrl, session }) => {
    const describe = () => profileOf({ name: displayName, picture: avatarUrl })
    const { id: userId } = await signIn({ issuer, subject }, describe)
    if (session === null) return { userId, sessionId: null }
    const id = externalSessionId({ issuer, subject, session })
    await sessions.recognize({ id, userId, issuer })
    return { userId, sessionId: id }
  }
