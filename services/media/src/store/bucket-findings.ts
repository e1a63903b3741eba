import { ConfigError } from '@parley/runtime'
import type { S3, S3Settings } from '@parley/s3'
import { causeOf, statusOf } from './answers.ts'

/** A bucket that is looked at. What does not do is thrown as a ConfigError: a sentence that says what to do. */
export interface Looking {
  readonly s3: S3
  readonly settings: S3Settings
  /** What cannot be told, or does no harm at once. */
  readonly warn: (sentence: string) => void
}

/** How the bucket is called in sentences. */
export const nameOf = ({ bucket, endpoint }: S3Settings): string => `the bucket ${bucket} at ${endpoint ?? 'AWS'}`

export const isNotImplemented = (error: unknown): boolean => [405, 501].includes(statusOf(error) ?? 0)

/**
 * What S3 says about the bucket itself. `none`: there is no such thing; `unknown`: the server has nothing of the kind, or does
 * not let us ask.
 */
export async function ask<Answer>(
  { settings, warn }: Looking,
  about: string,
  answer: Promise<Answer>,
): Promise<Answer | 'none' | 'unknown'> {
  try {
    return await answer
  } catch (error) {
    if (statusOf(error) === 404) return 'none'
    if (isNotImplemented(error)) {
      warn(`S3 cannot tell ${about} of ${nameOf(settings)}: see to it yourself.`)
      return 'unknown'
    }
    if (statusOf(error) !== 403) throw error
    warn(`S3 may not tell this service ${about} of ${nameOf(settings)}: allow it, or see to it yourself.`)
    return 'unknown'
  }
}

/** A sentence for what S3 says, or does not say, when it is asked for something that must go. */
export function sentenceOf(thrown: unknown, settings: S3Settings): string {
  const error = causeOf(thrown)
  const there = nameOf(settings)
  const status = statusOf(error)
  if (status === 404) return `There is no such bucket: ${there}. Make it, or correct S3_BUCKET or S3_ENDPOINT.`
  if (status === 403) return `Access is denied to ${there}. Correct the credentials, or what they may do.`
  const refused = status !== undefined && (status < 500 || isNotImplemented(error))
  const region = regionOf(error)
  if (refused && region !== undefined && [301, 307, 400].includes(status)) {
    return `The region is wrong: ${there} is in ${region}. Set S3_REGION to that.`
  }
  if (refused) {
    const what = `S3 answers ${status} (${reasonOf(error)}) for ${there}.`
    return `${what} Check S3_ENDPOINT, S3_REGION, S3_FORCE_PATH_STYLE and S3_SSE.`
  }
  return `S3 cannot be asked for ${there}: ${reasonOf(error)}.`
}

function regionOf(error: unknown): string | undefined {
  const { $response } = error as { $response?: { headers?: Record<string, string> } }
  return $response?.headers?.['x-amz-bucket-region']
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (statusOf(error) !== undefined) return `${error.name}: ${error.message}`
  return 'code' in error ? String(error.code) : error.message.replace(/\.$/, '')
}

export function fail(sentence: string, cause?: unknown): never {
  throw new ConfigError(sentence, cause === undefined ? {} : { cause })
}
