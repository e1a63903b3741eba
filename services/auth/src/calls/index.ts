import type { Handlers } from '@parley/bus'
import type { auth } from '@parley/contracts'
import type { OAuth } from '../oauth/open-oauth.ts'
import type { SignIn } from '../sign-in.ts'
import type { Db } from '../store/tables.ts'
import { findUsers } from './find-users.ts'
import { getMe } from './get-me.ts'
import { getUsers } from './get-users.ts'
import { signInForDevelopment } from './sign-in-for-development.ts'
import { updateProfile } from './update-profile.ts'

export function createCalls(options: { db: Db; signIn: SignIn; issueAccessToken: OAuth['issueAccessToken'] }) {
  const { db, signIn, issueAccessToken } = options
  return {
    getMe: getMe(db),
    updateProfile: updateProfile(db),
    findUsers: findUsers(db),
    getUsers: getUsers(db),
    signInForDevelopment: signInForDevelopment(signIn, issueAccessToken),
  } satisfies Handlers<typeof auth>
}
