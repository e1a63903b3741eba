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
      s3: { endpoint: 'https://s3.example.org', publicEndpoint: 'https://s3.example.org', forcePathStyle: true },
      maxBytes: { image: 26_214_400, video: 524_288_000, audio: 104_857_600, document: 104_857_600 },
      formLifetimeMs: 300_000,
      linkLifetimeMs: 60_000,
    })
  })

  test('takes another endpoint for clients, and addressing by virtual host', () => {
    const given = { ...least, S3_PUBLIC_ENDPOINT: 'https://files.example.org', S3_FORCE_PATH_STYLE: 'false' }
    expect(readConfig(given).s3).toMatchObject({ publicEndpoint: 'https://files.example.org', forcePathStyle: false })
  })

  test('stops the start for what is wrong, missing or unknown, all at once', () => {
    const { S3_BUCKET: _, ...given } = { ...least, S3_FORCE_PATH_STYLE: 'yes', MEDIA_IMAGE_MAX_MB: '25' }
    expect(() => readConfig(given)).toThrow(
      /S3_BUCKET is missing[^]*S3_FORCE_PATH_STYLE is wrong[^]*MEDIA_IMAGE_MAX_MB/,
    )
  })
})
