import { readEnvironment, variables, type Environment } from '@parley/runtime'
import { z } from 'zod'

export type Config = ReturnType<typeof readConfig>

export function readConfig(environment: Environment) {
  const read = readEnvironment(
    'PRESENCE_',
    {
      PARLEY_ENV: variables.PARLEY_ENV,
      LOG_LEVEL: variables.LOG_LEVEL,
      HTTP_HOST: variables.HTTP_HOST,
      HTTP_PORT: variables.HTTP_PORT,
      NATS_URL: variables.NATS_URL,
      POSTGRES_URL: variables.POSTGRES_URL,
      REDIS_URL: variables.REDIS_URL,
      /** How long the users of a dead gateway may take to come back, from when its end is noticed: up to 16 s after it. */
      PRESENCE_DEAD_GATEWAY_GRACE_SECONDS: z.coerce.number().min(0).max(300).default(10),
      /** How often the last-seen time of one user is written at most. */
      PRESENCE_LAST_SEEN_SECONDS: z.coerce.number().min(1).max(3_600).default(60),
    },
    environment,
  )
  return {
    environment: read.PARLEY_ENV,
    logLevel: read.LOG_LEVEL,
    http: { host: read.HTTP_HOST, port: read.HTTP_PORT },
    natsUrl: read.NATS_URL,
    postgresUrl: read.POSTGRES_URL,
    redisUrl: read.REDIS_URL,
    deadGatewayGraceMs: read.PRESENCE_DEAD_GATEWAY_GRACE_SECONDS * 1_000,
    lastSeenEveryMs: read.PRESENCE_LAST_SEEN_SECONDS * 1_000,
  }
}
