import { randomBytes } from 'node:crypto'
import { createBucket } from '@parley/local'
import type { S3Access } from './s3-on-demand.ts'
import { serversOfRun } from './servers-of-run.ts'

export interface TestS3 {
  readonly endpoint: string
  readonly region: string
  /** Fresh and empty. */
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/**
 * A bucket of its own on the run's real S3, which checks signatures and POST policies. The first who asks waits a few
 * seconds for it to start: ask in `beforeAll`. There is nothing to dispose.
 */
export async function testS3(): Promise<TestS3> {
  const response = await fetch(serversOfRun().s3OnDemandUrl)
  if (!response.ok) throw new Error(`there is no S3 for tests: ${await response.text()}`)
  const { url, ...access } = (await response.json()) as S3Access
  const bucket = `test-${randomBytes(6).toString('hex')}`
  await createBucket({ url, ...access }, bucket)
  return { endpoint: url, bucket, ...access }
}
