import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const least = {
  NATS_URL: 'nats://localhost:4222',
  POSTGRES_URL: 'postgres://retention@localhost/parley',
  S3_BUCKET: 'parley',
}

describe('the configuration', () => {
  test('keeps messages a year and makes months three ahead by default', () => {
    expect(readConfig(least)).toMatchObject({
      retentionDays: 365,
      monthsAhead: 3,
      exportDays: 7,
      s3: { bucket: 'parley', prefix: '' },
      confirmAbove: 1_000,
      leaveDefaultToMonths: false,
      schedules: {
        'create-months': '23 1 * * *',
        expire: '17 */6 * * *',
        'drop-months': '53 2 * * *',
        verify: '41 4 * * *',
      },
    })
  })

  test('stops the start for what is wrong or unknown, all at once', () => {
    const given = {
      ...least,
      RETENTION_CREATE_SCHEDULE: 'every day',
      RETENTION_DROP_SCHEDULE: '61 * * * *',
      RETENTION_MONTHS_AHEAD: '2',
      RETENTION_YEARS: '1',
    }
    expect(() => readConfig(given)).toThrow(
      /MONTHS_AHEAD is wrong[^]*CREATE_SCHEDULE is wrong: not a cron expression[^]*DROP_SCHEDULE is wrong[^]*YEARS is not a variable/,
    )
  })
})
