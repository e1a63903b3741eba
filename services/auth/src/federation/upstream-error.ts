import { AuthorizationResponseError, ResponseBodyError } from 'openid-client'

/**
 * Why nobody was signed in: the person said no there (`denied`), what came back with the browser is not for this sign-in
 * (`refused`), the upstream does not answer (`unavailable`), or answers what cannot be accepted (`failed`).
 */
export type UpstreamFailure = 'denied' | 'refused' | 'unavailable' | 'failed'

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly failure: UpstreamFailure

  constructor(failure: UpstreamFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}

/** What the OAuth library throws, in our words. Its own errors carry whole answers, with what is secret in them. */
export async function orUpstreamError<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw upstreamErrorOf(error)
  }
}

function upstreamErrorOf(error: unknown): UpstreamError {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof UpstreamError) return cause
  if (error instanceof AuthorizationResponseError)
    return new UpstreamError(FAILURES[error.error] ?? 'failed', `it answered ${error.error}`)
  if (error instanceof ResponseBodyError)
    return new UpstreamError(FAILURES[error.error] ?? 'failed', `its token endpoint answered ${error.error}`)
  return new UpstreamError('failed', error instanceof Error ? error.message : 'unknown')
}

const FAILURES: Readonly<Partial<Record<string, UpstreamFailure>>> = {
  access_denied: 'denied',
  /** The code is not of this sign-in, or was used before. */
  invalid_grant: 'refused',
  temporarily_unavailable: 'unavailable',
  server_error: 'unavailable',
}
