import { CreateBucketCommand, PutBucketCorsCommand, S3ServiceException } from '@aws-sdk/client-s3'
import { ConfigError } from '@parley/runtime'
import type { S3, S3Settings } from './open-s3.ts'

/**
 * Makes sure at the start that the bucket can be used; otherwise the start fails with a sentence that says what to do.
 * In development a missing bucket is made, and pages of any origin may post to it: what they post is signed, and no cookie
 * is involved.
 */
export async function prepareBucket(s3: S3, settings: S3Settings, options: { development: boolean }): Promise<void> {
  try {
    await (options.development ? makeUsable(s3) : s3.check())
  } catch (error) {
    throw new ConfigError(sentenceOf(error, settings), { cause: error })
  }
}

async function makeUsable(s3: S3): Promise<void> {
  try {
    await s3.check()
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    await createBucket(s3)
  }
  await allowBrowsers(s3)
}

async function createBucket(s3: S3): Promise<void> {
  try {
    await s3.client.send(new CreateBucketCommand({ Bucket: s3.bucket }))
  } catch (error) {
    const madeByAnotherInstance = error instanceof S3ServiceException && error.name === 'BucketAlreadyOwnedByYou'
    if (!madeByAnotherInstance) throw error
  }
}

async function allowBrowsers(s3: S3): Promise<void> {
  const rule = {
    AllowedOrigins: ['*'],
    AllowedMethods: ['GET', 'HEAD', 'POST'],
    AllowedHeaders: ['*'],
    ExposeHeaders: ['ETag'],
    MaxAgeSeconds: 3_600,
  }
  await s3.client.send(new PutBucketCorsCommand({ Bucket: s3.bucket, CORSConfiguration: { CORSRules: [rule] } }))
}

function sentenceOf(error: unknown, { bucket, endpoint }: S3Settings): string {
  const there = `the bucket ${bucket} at ${endpoint}`
  const status = statusOf(error)
  if (status === 404) return `There is no such bucket: ${there}. Make it, or correct S3_BUCKET or S3_ENDPOINT.`
  if (status === 403) return `Access is denied to ${there}. Correct the credentials, or what they may do.`
  if (status !== undefined && status < 500) {
    return `S3 answers ${status} for ${there}. Check S3_ENDPOINT, S3_REGION and S3_FORCE_PATH_STYLE.`
  }
  return `S3 cannot be asked for ${there}: ${reasonOf(error)}.`
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return String(code ?? message ?? error)
}
