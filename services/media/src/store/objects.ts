import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { BusError } from '@parley/bus'
import type { S3 } from './open-s3.ts'

/** What became of an object that was known by its ETag. */
export type Lost = 'gone' | 'changed'

/**
 * A copy may take longer than the caller waits, since S3 copies by itself: the caller's next attempt then finds it done.
 */
const COPY_TIMEOUT_MS = 60_000

export async function findObject(s3: S3, key: string): Promise<{ size: number; etag: string } | undefined> {
  const found = await unlessLost(s3.client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key: key })))
  if (typeof found === 'string') return undefined
  const { ContentLength: size, ETag: etag } = found
  if (size === undefined || etag === undefined) throw new BusError('unavailable', 's3 did not tell size and etag')
  return { size, etag }
}

/** Its first bytes, at most `length`. */
export async function readStart(s3: S3, key: string, etag: string, length: number): Promise<Uint8Array | Lost> {
  const read = await unlessLost(
    s3.client
      .send(new GetObjectCommand({ Bucket: s3.bucket, Key: key, IfMatch: etag, Range: `bytes=0-${length - 1}` }))
      .then((answer) => answer.Body?.transformToByteArray()),
  )
  if (read === undefined) throw new BusError('unavailable', 's3 answered without content')
  return read
}

/** Copies exactly the content of this ETag. */
export async function copyObject(s3: S3, from: string, to: string, etag: string): Promise<'copied' | Lost> {
  const copied = await unlessLost(
    s3.client.send(
      new CopyObjectCommand({
        Bucket: s3.bucket,
        Key: to,
        CopySource: `${s3.bucket}/${from}`,
        CopySourceIfMatch: etag,
      }),
      { requestTimeout: COPY_TIMEOUT_MS },
    ),
  )
  return typeof copied === 'string' ? copied : 'copied'
}

/** An object that is not there is removed already. */
export async function removeObject(s3: S3, key: string): Promise<void> {
  await unlessLost(s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: key })))
}

/** Whatever else S3 says, or does not say, is no fault of the caller's: it may try again. */
async function unlessLost<Answer>(answer: Promise<Answer>): Promise<Answer | Lost> {
  try {
    return await answer
  } catch (error) {
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
    if (status === 404) return 'gone'
    if (status === 412) return 'changed'
    throw new BusError('unavailable', 's3 could not do it', { cause: error })
  }
}
