import { GetObjectCommand, paginateListObjectsV2, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { TestS3 } from '@parley/testing'

/** What is in the object store, as an operator sees it. */
export interface Bucket extends Disposable {
  listKeys(): Promise<string[]>
  read(key: string): Promise<Buffer>
  put(key: string, body: string): Promise<void>
}

export function openBucket({ endpoint, region, bucket, accessKeyId, secretAccessKey }: TestS3): Bucket {
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  return {
    async listKeys() {
      const keys: string[] = []
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket })) {
        keys.push(...Contents.map(({ Key }) => Key!))
      }
      return keys
    },
    async read(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      return Buffer.from(await Body!.transformToByteArray())
    },
    async put(key, body) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
    },
    [Symbol.dispose]: () => client.destroy(),
  }
}
