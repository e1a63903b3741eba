import { readEnvironment, variables, type Environment } from '@parley/runtime'
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
      RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).default(365),
      RETENTION_MONTHS_AHEAD: z.coerce.number().int().min(3).max(24).default(3),
      RETENTION_CREATE_SCHEDULE: cron.default('23 1 * * *'),
      RETENTION_DROP_SCHEDULE: cron.default('53 2 * * *'),
    },
    environment,
  )
  return {
    environment: read.PARLEY_ENV,
    logLevel: read.LOG_LEVEL,
    http: { host: read.HTTP_HOST, port: read.HTTP_PORT },
    natsUrl: read.NATS_URL,
    postgresUrl: read.POSTGRES_URL,
    retentionDays: read.RETENTION_DAYS,
    monthsAhead: read.RETENTION_MONTHS_AHEAD,
    /** Cron expressions, in UTC. */
    schedules: { createMonths: read.RETENTION_CREATE_SCHEDULE, dropMonths: read.RETENTION_DROP_SCHEDULE },
  }
}
