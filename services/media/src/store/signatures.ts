import { GetObjectCommand } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { S3 } from './open-s3.ts'

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
  const expiresAt = new Date(Date.now() + lifetimeMs).toISOString()
  const { url, fields } = await createPresignedPost(s3.publicClient, {
    Bucket: s3.bucket,
    Key: object.key,
    Fields: { 'Content-Type': object.type, success_action_status: '201' },
    Conditions: [['content-length-range', 1, object.maxBytes]],
    Expires: lifetimeMs / 1_000,
  })
  return { url, fields, expiresAt }
}

/** A link by which anyone can read one object, with the type and disposition that we say. */
export async function signLink(
  s3: S3,
  object: { key: string; type: string; disposition: string },
  lifetimeMs: number,
): Promise<{ url: string; expiresAt: string }> {
  const signingDate = new Date()
  const url = await getSignedUrl(
    s3.publicClient,
    new GetObjectCommand({
      Bucket: s3.bucket,
      Key: object.key,
      ResponseContentType: object.type,
      ResponseContentDisposition: object.disposition,
    }),
    { expiresIn: lifetimeMs / 1_000, signingDate },
  )
  return { url, expiresAt: new Date(signingDate.getTime() + lifetimeMs).toISOString() }
}
