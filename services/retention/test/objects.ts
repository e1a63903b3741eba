import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { S3 } from '@parley/s3'

export async function keysBelow(s3: S3, prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket, Prefix: prefix }))
  return Contents.map(({ Key }) => Key!)
}

/** The keys of uploads that are not finished. */
export async function uploadsBelow(s3: S3, prefix: string): Promise<string[]> {
  const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: s3.bucket, Prefix: prefix }))
  return Uploads.map(({ Key }) => Key!)
}
