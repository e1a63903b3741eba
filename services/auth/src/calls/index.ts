import { BusError, type CallContext, type Handlers } from '@parley/bus'
import type { auth } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
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
    getMe: orUnavailable(getMe(db)),
    updateProfile: orUnavailable(updateProfile(db)),
    findUsers: orUnavailable(findUsers(db)),
    getUsers: orUnavailable(getUsers(db)),
    signInForDevelopment: orUnavailable(signInForDevelopment(signIn, issueAccessToken)),
  } satisfies Handlers<typeof auth>
}

/** An absent database reaches the caller as `unavailable`, which is worth a retry. */
function orUnavailable<Request, Reply>(
  handler: (request: Request, context: CallContext) => Promise<Reply>,
): (request: Request, context: CallContext) => Promise<Reply> {
  return async (request, context) => {
    try {
      return await handler(request, context)
    } catch (error) {
      throw isUnavailable(error) ? new BusError('unavailable', 'postgres is away', { cause: error }) : error
    }
  }
}
