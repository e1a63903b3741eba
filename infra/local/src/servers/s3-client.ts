import type * as Sdk from '@aws-sdk/client-s3'
import type { S3Credentials } from './s3-server.ts'

const REQUEST_TIMEOUT_MS = 5_000

interface S3Access extends S3Credentials {
  readonly url: string
  readonly region: string
}

/** Resolves when it answers a signed request. */
export async function askS3(access: S3Access): Promise<void> {
  await withClient(access, async (client, { ListBucketsCommand }) => {
    await client.send(new ListBucketsCommand({}))
  })
}

/** Makes the bucket unless it is there. */
export async function createBucket(access: S3Access, bucket: string): Promise<void> {
  await withClient(access, async (client, { CreateBucketCommand, BucketAlreadyOwnedByYou }) => {
    await client.send(new CreateBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
      if (!(error instanceof BucketAlreadyOwnedByYou)) throw error
    })
  })
}

/** The SDK is loaded when it is first used: most tests want a database only, and not this. */
async function withClient(
  access: S3Access,
  use: (client: Sdk.S3Client, sdk: typeof Sdk) => Promise<void>,
): Promise<void> {
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client({
    endpoint: access.url,
    region: access.region,
    credentials: { accessKeyId: access.accessKeyId, secretAccessKey: access.secretAccessKey },
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, connectionTimeout: REQUEST_TIMEOUT_MS },
  })
  try {
    await use(client, sdk)
  } finally {
    client.destroy()
  }
}
