import { S3ServiceException } from '@aws-sdk/client-s3'
import { BusError } from '@parley/bus'

/** What became of an object that was known by its ETag. */
export type Lost = 'gone' | 'changed'

/** Whatever else S3 says, or does not say, is no fault of the caller's: it may try again. */
export async function unlessLost<Answer>(answer: Promise<Answer>): Promise<Answer | Lost> {
  try {
    return await answer
  } catch (error) {
    const status = statusOf(error)
    if (status === 404) return 'gone'
    if (status === 412) return 'changed'
    throw unavailable('could not do it', error)
  }
}

/** Of what cannot be lost. */
export async function answered<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    throw unavailable('could not do it', error)
  }
}

export function unavailable(what: string, cause?: unknown): BusError {
  return new BusError('unavailable', `s3 ${what}`, cause === undefined ? {} : { cause })
}

/** What S3 has answered; undefined when it has not answered. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
}

/** What S3 itself has said of it. */
export const causeOf = (error: unknown): unknown => (error instanceof BusError ? (error.cause ?? error) : error)
