import { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { encryptionOf, REQUEST_TIMEOUT_MS, type S3, within } from '@parley/s3'
import { answered, statusOf, unavailable, unlessLost, type Lost } from './answers.ts'
import { wholeContent } from './whole-content.ts'

export type { Lost }

/** Files may be as large as the largest image. */
const CONTENT_TIMEOUT_MS = 30_000

export async function findObject(s3: S3, key: string): Promise<{ size: number; etag: string } | undefined> {
  const found = await unlessLost(s3.client.send(new HeadObjectCommand(at(s3, key)), within(REQUEST_TIMEOUT_MS)))
  if (typeof found === 'string') return undefined
  const { ContentLength: size, ETag: etag } = found
  if (size === undefined || etag === undefined) throw unavailable('did not tell size and etag')
  return { size, etag }
}

/** Exactly the content of this ETag, to its end: reading fails when it breaks off, or when S3 stops sending. */
export async function readObject(
  s3: S3,
  key: string,
  etag: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | Lost> {
  const found = await unlessLost(
    s3.client.send(new GetObjectCommand({ ...at(s3, key), IfMatch: etag }), {
      requestTimeout: REQUEST_TIMEOUT_MS,
      abortSignal: signal,
    }),
  )
  if (typeof found === 'string') return found
  const { Body: body, ContentLength: size } = found
  if (size === undefined || !(body instanceof Readable)) throw unavailable('answered without content')
  return wholeContent(body, size)
}

export async function putObject(
  s3: S3,
  key: string,
  content: Uint8Array,
  { type, cacheControl }: { type: string; cacheControl?: string },
): Promise<void> {
  const command = new PutObjectCommand({
    ...at(s3, key),
    ...encryptionOf(s3),
    Body: content,
    ContentType: type,
    ...(cacheControl === undefined ? {} : { CacheControl: cacheControl }),
  })
  await answered(s3.client.send(command, within(CONTENT_TIMEOUT_MS)))
}

/** An object that is not there is removed already. */
export async function removeObject(s3: S3, key: string): Promise<void> {
  await unlessLost(s3.client.send(new DeleteObjectCommand(at(s3, key)), within(REQUEST_TIMEOUT_MS)))
}

/** What S3 removes in one request. */
const MOST_AT_ONCE = 1_000
/** Servers that cannot remove many at once, or not with the checksum that goes with it. */
const CANNOT_REMOVE_MANY = [400, 405, 411, 501]

/** The same for many. When it fails, some are removed and others are not. */
export async function removeObjects(s3: S3, keys: readonly string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += MOST_AT_ONCE) {
    const some = keys.slice(start, start + MOST_AT_ONCE)
    if (await removeTogether(s3, some)) continue
    for (const key of some) await removeObject(s3, key)
  }
}

/** Answers whether the server can. */
async function removeTogether(s3: S3, keys: readonly string[]): Promise<boolean> {
  const Objects = keys.map((key) => ({ Key: s3.prefix + key }))
  const command = new DeleteObjectsCommand({ Bucket: s3.bucket, Delete: { Objects, Quiet: true } })
  try {
    const { Errors: errors = [] } = await s3.client.send(command, within(CONTENT_TIMEOUT_MS))
    const [error] = errors.filter(({ Code }) => Code !== 'NoSuchKey')
    if (error) throw new Error(`${error.Code ?? 'unknown'}: ${error.Message ?? ''}`)
    return true
  } catch (error) {
    if (CANNOT_REMOVE_MANY.includes(statusOf(error) ?? 0)) return false
    throw unavailable('could not remove all of them', error)
  }
}

export interface ListedObject {
  readonly key: string
  readonly size: number
  readonly modifiedAt: Date
}

/** All that is below the prefix; asks S3 for so many at a time. */
export async function* listObjects(s3: S3, mostAtOnce = 1_000): AsyncGenerator<ListedObject, void> {
  let token: string | undefined
  do {
    const page = await listPage(s3, {
      MaxKeys: mostAtOnce,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    })
    yield* page.objects
    token = page.isLast ? undefined : page.token
  } while (token !== undefined)
}

/** A page of the same, in the order of keys, after one. */
export async function listObjectsAfter(
  s3: S3,
  key: string | null,
  most: number,
): Promise<{ objects: readonly ListedObject[]; isLast: boolean }> {
  return listPage(s3, { MaxKeys: most, ...(key === null ? {} : { StartAfter: s3.prefix + key }) })
}

async function listPage(
  s3: S3,
  which: Pick<ListObjectsV2CommandInput, 'MaxKeys' | 'ContinuationToken' | 'StartAfter'>,
): Promise<{ objects: ListedObject[]; isLast: boolean; token: string | undefined }> {
  const command = new ListObjectsV2Command({
    Bucket: s3.bucket,
    Prefix: s3.prefix,
    // Otherwise a key that XML cannot carry, whoever has put it there, would make the whole list unreadable.
    EncodingType: 'url',
    ...which,
  })
  const page = await answered(s3.client.send(command, within(LIST_TIMEOUT_MS)))
  const objects = (page.Contents ?? []).map(({ Key, Size, LastModified }) => {
    if (Key === undefined || Size === undefined || LastModified === undefined)
      throw unavailable('listed half an object')
    const key = page.EncodingType === 'url' ? decodeURIComponent(Key.replaceAll('+', ' ')) : Key
    return { key: key.slice(s3.prefix.length), size: Size, modifiedAt: LastModified }
  })
  return { objects, isLast: page.IsTruncated !== true, token: page.NextContinuationToken }
}

/** Large buckets take their time. */
const LIST_TIMEOUT_MS = 20_000

const at = ({ bucket, prefix }: S3, key: string) => ({ Bucket: bucket, Key: prefix + key })
