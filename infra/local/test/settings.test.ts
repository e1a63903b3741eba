import { expect, test } from 'vitest'
import { readSettings } from '../src/launch/settings.ts'

const problems = (environment: Record<string, string>): string[] => {
  try {
    readSettings(environment)
    return []
  } catch (error) {
    return (error as Error).message.split('\n')
  }
}

test('without variables there are defaults, and an empty variable is none', () => {
  expect(readSettings({ HOME: '/root', PARLEY_PORT: '', AWS_ACCESS_KEY_ID: 'unrelated' })).toEqual({
    port: 8080,
    logLevel: 'info',
    bucket: 'parley',
    given: { postgresUrl: undefined, redisUrl: undefined, natsUrl: undefined, s3: undefined },
  })
})

test('servers can be given by URL', () => {
  const { given } = readSettings({
    POSTGRES_URL: 'postgresql://admin@db/postgres',
    NATS_URL: 'tls://nats:4222',
    S3_ENDPOINT: 'http://s3:9000',
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'secret',
  })
  expect(given).toEqual({
    postgresUrl: 'postgresql://admin@db/postgres',
    redisUrl: undefined,
    natsUrl: 'tls://nats:4222',
    s3: {
      url: 'http://s3:9000',
      region: 'us-east-1',
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    },
  })
})

test('everything that is wrong is told at once, a sentence for each', () => {
  const wrong = {
    PARLEY_PROT: '1',
    PARLEY_ENV: 'production',
    PARLEY_PORT: '65535',
    LOG_LEVEL: 'loud',
    POSTGRES_URL: 'db:5432',
    S3_ENDPOINT: 'http://s3',
  }
  expect(problems(wrong)).toEqual([
    'PARLEY_PROT is not a variable of npm start.',
    'PARLEY_ENV must be development or not set: npm start is for development.',
    'PARLEY_PORT must be a number from 1 to 65534.',
    'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent.',
    'POSTGRES_URL must be a URL that begins with postgres://.',
    'AWS_ACCESS_KEY_ID is missing: S3_ENDPOINT needs it.',
    'AWS_SECRET_ACCESS_KEY is missing: S3_ENDPOINT needs it.',
  ])
})
