import { limits } from '@parley/protocol'
import { readEnvironment, variables, type Environment } from '@parley/runtime'
import { s3SettingsOf, s3Variables } from '@parley/s3'
import { validate } from 'node-cron'
import { z } from 'zod'

export type Config = ReturnType<typeof readConfig>

const cron = z.string().refine((expression) => validate(expression), { error: 'not a cron expression' })

export function readConfig(environment: Environment) {
  const read = readEnvironment(
    'RETENTION_',
    {
      PARLEY_ENV: variables.PARLEY_ENV,
      LOG_LEVEL: variables.LOG_LEVEL,
      HTTP_HOST: variables.HTTP_HOST,
      HTTP_PORT: variables.HTTP_PORT,
      NATS_URL: variables.NATS_URL,
      POSTGRES_URL: variables.POSTGRES_URL,
      S3_ENDPOINT: s3Variables.S3_ENDPOINT,
      S3_PUBLIC_ENDPOINT: s3Variables.S3_PUBLIC_ENDPOINT,
      S3_REGION: s3Variables.S3_REGION,
      S3_BUCKET: s3Variables.S3_BUCKET,
      S3_PREFIX: s3Variables.S3_PREFIX,
      S3_FORCE_PATH_STYLE: s3Variables.S3_FORCE_PATH_STYLE,
      S3_SSE: s3Variables.S3_SSE,
      S3_SSE_KEY_ID: s3Variables.S3_SSE_KEY_ID,
      RETENTION_EXPORT_DAYS: z.coerce.number().int().min(1).max(365).default(7),
      RETENTION_DAYS: z.coerce.number().int().min(limits.leastRetentionDays).max(limits.mostRetentionDays).default(365),
      RETENTION_MONTHS_AHEAD: z.coerce.number().int().min(3).max(24).default(3),
      RETENTION_CREATE_SCHEDULE: cron.default('23 1 * * *'),
      RETENTION_EXPIRE_SCHEDULE: cron.default('17 */6 * * *'),
      RETENTION_DROP_SCHEDULE: cron.default('53 2 * * *'),
      RETENTION_VERIFY_SCHEDULE: cron.default('41 4 * * *'),
      RETENTION_CONFIRM_ABOVE: z.coerce.number().int().min(0).default(1_000),
      RETENTION_LEAVE_DEFAULT_TO_MONTHS: z.stringbool().default(false),
    },
    environment,
  )
  return {
    environment: read.PARLEY_ENV,
    logLevel: read.LOG_LEVEL,
    http: { host: read.HTTP_HOST, port: read.HTTP_PORT },
    natsUrl: read.NATS_URL,
    postgresUrl: read.POSTGRES_URL,
    s3: s3SettingsOf(read),
    /** How long the ZIP of an export is kept. */
    exportDays: read.RETENTION_EXPORT_DAYS,
    retentionDays: read.RETENTION_DAYS,
    monthsAhead: read.RETENTION_MONTHS_AHEAD,
    /** More messages or files than this do not expire by a change of a policy whose numbers nobody has confirmed. */
    confirmAbove: read.RETENTION_CONFIRM_ABOVE,
    /** What only the default is for goes with its month, and is not deleted one by one. */
    leaveDefaultToMonths: read.RETENTION_LEAVE_DEFAULT_TO_MONTHS,
    /** Cron expressions, in UTC. */
    schedules: {
      'create-months': read.RETENTION_CREATE_SCHEDULE,
      expire: read.RETENTION_EXPIRE_SCHEDULE,
      'drop-months': read.RETENTION_DROP_SCHEDULE,
      verify: read.RETENTION_VERIFY_SCHEDULE,
    },
  }
}
