import { CreateBucketCommand, S3ServiceException } from '@aws-sdk/client-s3'
import { ConfigError, type Logger } from '@parley/runtime'
import { REQUEST_TIMEOUT_MS, type S3, type S3Settings, within } from '@parley/s3'
import type { BucketSetup } from '../bucket-config.ts'
import { statusOf } from './answers.ts'
import { allowPages, assertAllowsPages } from './bucket-cors.ts'
import { sentenceOf, type Looking } from './bucket-findings.ts'
import { mindLeftovers } from './bucket-lifecycle.ts'
import { assertNotPublic } from './bucket-privacy.ts'
import { tryBucket } from './bucket-trial.ts'

/**
 * Makes sure at the start that the bucket can be used, and by nobody else; otherwise the start fails with a sentence that says
 * what to do. What the server has nothing of, and what does no harm at once, is logged. With `apply` what is missing is made,
 * and what is there stays: others may use the same bucket.
 */
export async function prepareBucket(
  s3: S3,
  settings: S3Settings,
  { apply, allowedOrigins, log }: BucketSetup & { log: Pick<Logger, 'warn'> },
): Promise<void> {
  const looking: Looking = { s3, settings, warn: (sentence) => log.warn(sentence) }
  try {
    await (apply ? makeIfMissing(s3) : s3.check())
    const looks = await Promise.allSettled([
      assertNotPublic(looking),
      tryBucket(looking),
      apply ? allowPages(looking, allowedOrigins) : assertAllowsPages(looking, allowedOrigins),
    ])
    for (const look of looks) if (look.status === 'rejected') throw look.reason
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(sentenceOf(error, settings), { cause: error })
  }
  if (allowedOrigins.length === 0) {
    looking.warn('MEDIA_ALLOWED_ORIGINS names no pages: whether pages can send and get files was not looked at.')
  }
  await mindLeftovers(looking, { apply }).catch((error: unknown) =>
    log.warn({ error }, 'what S3 keeps of deleted files could not be looked at'),
  )
}

async function makeIfMissing(s3: S3): Promise<void> {
  try {
    await s3.check()
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    await createBucket(s3)
  }
}

async function createBucket(s3: S3): Promise<void> {
  try {
    await s3.client.send(new CreateBucketCommand({ Bucket: s3.bucket }), within(REQUEST_TIMEOUT_MS))
  } catch (error) {
    const madeByAnotherInstance = error instanceof S3ServiceException && error.name === 'BucketAlreadyOwnedByYou'
    if (!madeByAnotherInstance) throw error
  }
}
