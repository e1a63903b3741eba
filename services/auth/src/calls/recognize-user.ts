import type { Handler } from '@parley/bus'
import type { auth } from '@parley/contracts'
import { externalSessionId } from '../domain/external-session.ts'
import { profileOf } from '../domain/foreign-profile.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SignIn } from '../sign-in.ts'
import { isErased } from '../store/erased-users.ts'
import type { Db } from '../store/tables.ts'

export const recognizeUser =
  (db: Db, signIn: SignIn, sessions: Sessions): Handler<typeof auth.calls.recognizeUser> =>
  async ({ issuer, subject, displayName, avatarUrl, session }) => {
    const describe = () => profileOf({ name: displayName, picture: avatarUrl })
    for (;;) {
      const { id: userId } = await signIn({ issuer, subject }, describe)
      const sessionId = session === null ? null : externalSessionId({ issuer, subject, session })
      if (sessionId !== null) await sessions.recognize({ id: sessionId, userId, issuer })
      // Erased since just now: whoever comes by this identity is somebody else from then on.
      if (!(await isErased(db, userId))) return { userId, sessionId }
    }
  }
