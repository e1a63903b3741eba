import { GetObjectCommand, UploadPartCommand, type S3Client } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { encryptionFieldsOf, type S3 } from '@parley/s3'

export interface Form {
  readonly url: string
  readonly fields: Record<string, string>
  readonly expiresAt: string
}

/** A form by which a client can write one object: exactly this key and type, at most this size. */
export async function signForm(
  s3: S3,
  object: { key: string; type: string; maxBytes: number },
  lifetimeMs: number,
): Promise<Form> {
  const expiresAt = await expiryOf(s3.publicClient, new Date(), lifetimeMs)
  const { url, fields } = await createPresignedPost(s3.publicClient, {
    Bucket: s3.bucket,
    Key: s3.prefix + object.key,
    Fields: { 'Content-Type': object.type, success_action_status: '201', ...encryptionFieldsOf(s3) },
    Conditions: [['content-length-range', 1, object.maxBytes]],
    Expires: lifetimeMs / 1_000,
  })
  return { url: s3.toPublic(url), fields, expiresAt }
}

/** The urls to which a client can put the parts of one object, each of exactly its size. */
export async function signParts(
  s3: S3,
  key: string,
  multipartId: string,
  sizes: readonly number[],
  lifetimeMs: number,
): Promise<{ urls: string[]; expiresAt: string }> {
  const signingDate = new Date()
  const expiresAt = await expiryOf(s3.publicClient, signingDate, lifetimeMs)
  const commands = sizes.map(
    (size, index) =>
      new UploadPartCommand({
        ...at(s3, key),
        UploadId: multipartId,
        PartNumber: index + 1,
        ContentLength: size,
      }),
  )
  const options = { expiresIn: lifetimeMs / 1_000, signingDate }
  const urls = await Promise.all(commands.map((command) => getSignedUrl(s3.publicClient, command, options)))
  return { urls: urls.map((url) => s3.toPublic(url)), expiresAt }
}

/** A link by which anyone can read one object, with the type, the disposition and the time to keep it that we say. */
export async function signLink(
  s3: S3,
  object: { key: string; type: string; disposition: string; cacheControl?: string },
  lifetimeMs: number,
): Promise<{ url: string; expiresAt: string }> {
  const signingDate = new Date()
  const expiresAt = await expiryOf(s3.publicClient, signingDate, lifetimeMs)
  const command = new GetObjectCommand({
    ...at(s3, object.key),
    ResponseContentType: object.type,
    ResponseContentDisposition: object.disposition,
    ...(object.cacheControl === undefined ? {} : { ResponseCacheControl: object.cacheControl }),
  })
  const url = await getSignedUrl(s3.publicClient, command, { expiresIn: lifetimeMs / 1_000, signingDate })
  return { url: s3.toPublic(url), expiresAt }
}

/**
 * A link by which a checking thread reads an object from where this service itself reaches S3: exactly the content of this
 * ETag, or 412. It needs these headers, and may name a range.
 */
export async function signInspection(
  s3: S3,
  key: string,
  etag: string,
  lifetimeMs: number,
): Promise<{ url: string; headers: Record<string, string> }> {
  const command = new GetObjectCommand({ ...at(s3, key), IfMatch: etag })
  const url = await getSignedUrl(s3.client, command, { expiresIn: lifetimeMs / 1_000 })
  return { url, headers: { 'if-match': etag } }
}

/** A link by which another service reads an object, from where this service itself reaches S3. */
export function signForServices(s3: S3, key: string, lifetimeMs: number): Promise<string> {
  return getSignedUrl(s3.client, new GetObjectCommand(at(s3, key)), { expiresIn: lifetimeMs / 1_000 })
}

/** Where an object is, for who reaches S3 as clients do and as this service does. No link: nothing is signed. */
export async function placesOf(s3: S3, key: string): Promise<string[]> {
  const signed = [s3.publicClient, s3.client].map((client) => getSignedUrl(client, new GetObjectCommand(at(s3, key))))
  const [outside = '', inside = ''] = await Promise.all(signed)
  return [...new Set([s3.toPublic(outside), inside].map((url) => url.replace(/\?.*/s, '')))]
}

const at = ({ bucket, prefix }: S3, key: string) => ({ Bucket: bucket, Key: prefix + key })

/** S3 counts in whole seconds. And what is signed with the credentials of a role ends with them at the latest. */
async function expiryOf(client: S3Client, from: Date, lifetimeMs: number): Promise<string> {
  const { expiration } = await client.config.credentials()
  const end = Math.floor(from.getTime() / 1_000) * 1_000 + lifetimeMs
  return new Date(Math.min(end, expiration?.getTime() ?? end)).toISOString()
}
