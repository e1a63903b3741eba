import { isUnavailable } from '@parley/postgres'
import { errors } from 'oidc-provider'

const STATUS = 503

/** An absent database as the OAuth error for it, which clients know to be worth a retry. */
export async function orTemporarilyUnavailable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!isUnavailable(error)) throw error
    const answer = new errors.TemporarilyUnavailable('try again soon', { cause: error })
    throw Object.assign(answer, { status: STATUS, statusCode: STATUS })
  }
}
