import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const least = {
  NATS_URL: 'nats://localhost:4222',
  POSTGRES_URL: 'postgres://media@localhost/parley',
  S3_ENDPOINT: 'https://s3.example.org',
  S3_BUCKET: 'parley',
}

describe('the configuration', () => {
  test('has defaults: clients reach S3 where the service does, and limits are per kind', () => {
    expect(readConfig(least)).toMatchObject({
      s3: {
        endpoint: 'https://s3.example.org',
        publicEndpoint: undefined,
        region: 'us-east-1',
        prefix: '',
        forcePathStyle: true,
        encryption: undefined,
      },
      bucketSetup: { apply: false, allowedOrigins: [] },
      maxBytes: { image: 26_214_400, video: 524_288_000, audio: 104_857_600, document: 104_857_600 },
      formLifetimeMs: 300_000,
      linkLifetimeMs: 60_000,
    })
  })

  test('takes another endpoint for clients, addressing by virtual host, encryption and a prefix', () => {
    const given = {
      ...least,
      S3_PUBLIC_ENDPOINT: 'https://files.example.org/s3',
      S3_FORCE_PATH_STYLE: 'false',
      S3_PREFIX: 'chat/parley/',
      S3_SSE: 'aws:kms',
      S3_SSE_KEY_ID: 'arn:aws:kms:eu-central-1:1:key/a',
    }
    expect(readConfig(given).s3).toMatchObject({
      publicEndpoint: 'https://files.example.org/s3',
      forcePathStyle: false,
      prefix: 'chat/parley/',
      encryption: { algorithm: 'aws:kms', keyId: 'arn:aws:kms:eu-central-1:1:key/a' },
    })
  })

  test('is made for AWS where no endpoint is given, or one of AWS', () => {
    const { S3_ENDPOINT: _, ...given } = least
    const onAws = { region: undefined, forcePathStyle: false }
    expect(readConfig(given).s3).toMatchObject({ endpoint: undefined, ...onAws })
    const dualStack = { ...given, S3_ENDPOINT: 'https://s3.dualstack.eu-central-1.amazonaws.com' }
    expect(readConfig(dualStack).s3).toMatchObject(onAws)
    expect(readConfig({ ...given, S3_REGION: 'eu-central-1' }).s3).toMatchObject({ region: 'eu-central-1' })
  })

  test('sets the bucket up in development, for all pages unless some are named', () => {
    const development = { ...least, PARLEY_ENV: 'development' }
    expect(readConfig(development).bucketSetup).toEqual({ apply: true, allowedOrigins: ['*'] })
    const changed = { S3_BUCKET_SETUP: 'check', MEDIA_ALLOWED_ORIGINS: 'https://a.example, http://b.example:8080' }
    expect(readConfig({ ...development, ...changed }).bucketSetup).toEqual({
      apply: false,
      allowedOrigins: ['https://a.example', 'http://b.example:8080'],
    })
    expect(readConfig({ ...least, S3_BUCKET_SETUP: 'apply' }).bucketSetup.apply).toBe(true)
  })

  test.each([
    ['S3_PREFIX', '/parley/'],
    ['S3_PREFIX', 'parley'],
    ['S3_PREFIX', 'a//b/'],
    ['S3_PREFIX', '../'],
    ['S3_ENDPOINT', 'https://s3.example.org/?a=b'],
    ['S3_PUBLIC_ENDPOINT', 'ftp://s3.example.org'],
    ['S3_SSE', 'aes'],
    ['S3_SSE_KEY_ID', 'without S3_SSE'],
    ['MEDIA_ALLOWED_ORIGINS', 'https://a.example/'],
  ])('stops the start when %s is %s', (name, value) => {
    expect(() => readConfig({ ...least, [name]: value })).toThrow(new RegExp(`^${name}`))
  })

  test('stops the start for what is wrong, missing or unknown, all at once', () => {
    const { S3_BUCKET: _, ...given } = { ...least, S3_FORCE_PATH_STYLE: 'yes', MEDIA_IMAGE_MAX_MB: '25' }
    expect(() => readConfig(given)).toThrow(
      /S3_BUCKET is missing[^]*S3_FORCE_PATH_STYLE is wrong[^]*MEDIA_IMAGE_MAX_MB/,
    )
  })
})
