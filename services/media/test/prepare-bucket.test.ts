import { ConfigError } from '@parley/runtime'
import { describe, expect, test } from 'vitest'
import { openS3, type S3Settings } from '../src/store/open-s3.ts'
import { prepareBucket } from '../src/store/prepare-bucket.ts'
import { configForTest } from './start-for-test.ts'

describe('the bucket', () => {
  test('is made at the start in development, by several instances at once and again', async () => {
    const settings = await missingBucket()
    using s3 = openS3(settings)
    await Promise.all([1, 2, 3].map(() => prepareBucket(s3, settings, { development: true })))
    await prepareBucket(s3, settings, { development: true })
    await expect(s3.check()).resolves.toBeDefined()
    await prepareBucket(s3, settings, { development: false })
  })

  test.each<[what: string, changes: Partial<S3Settings>, sentence: RegExp]>([
    ['is not there', {}, /^There is no such bucket: the bucket missing-\d+ at http:.*S3_BUCKET/],
    [
      'is not ours',
      { credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' } },
      /^Access is denied to the bucket missing-\d+ at http:.*credentials/,
    ],
    ['cannot be asked for', { endpoint: 'http://127.0.0.1:1' }, /^S3 cannot be asked for the bucket .*ECONNREFUSED/],
  ])('stops the start in production with one sentence when it %s', async (_, changes, sentence) => {
    const settings = { ...(await missingBucket()), ...changes }
    using s3 = openS3(settings)
    const preparing = prepareBucket(s3, settings, { development: false })
    await expect(preparing).rejects.toBeInstanceOf(ConfigError)
    await expect(preparing).rejects.toThrow(sentence)
  })
})

async function missingBucket(): Promise<S3Settings> {
  const { s3 } = await configForTest('postgres://unused', 'nats://unused')
  return { ...s3, bucket: `missing-${process.pid}${Math.trunc(performance.now() * 1_000)}` }
}
