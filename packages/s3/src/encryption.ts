import type { ServerSideEncryption } from '@aws-sdk/client-s3'
import type { S3 } from './open-s3.ts'

/** What goes with a request that writes an object. */
export function encryptionOf({ encryption }: S3): {
  ServerSideEncryption?: ServerSideEncryption
  SSEKMSKeyId?: string
} {
  if (encryption === undefined) return {}
  const { algorithm, keyId } = encryption
  return { ServerSideEncryption: algorithm, ...(keyId === undefined ? {} : { SSEKMSKeyId: keyId }) }
}

/** The same as fields of a form. */
export function encryptionFieldsOf({ encryption }: S3): Record<string, string> {
  if (encryption === undefined) return {}
  const { algorithm, keyId } = encryption
  return {
    'x-amz-server-side-encryption': algorithm,
    ...(keyId === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': keyId }),
  }
}
