import { readEnvironment, variables, type Environment } from '@parley/runtime'
import { z } from 'zod'

export type Config = ReturnType<typeof readConfig>

export function readConfig(environment: Environment) {
  const { PARLEY_ENV, LOG_LEVEL, HTTP_HOST, HTTP_PORT, NATS_URL, POSTGRES_URL, REDIS_URL } = variables
  const read = readEnvironment(
    'MESSAGING_',
    {
      PARLEY_ENV,
      LOG_LEVEL,
      HTTP_HOST,
      HTTP_PORT,
      NATS_URL,
      POSTGRES_URL,
      REDIS_URL,
      /** Sends that may wait to be written; beyond it they are refused as `overloaded`. */
      MESSAGING_QUEUE_SENDS: z.coerce.number().int().min(1).default(10_000),
      MESSAGING_QUEUE_BYTES: z.coerce
        .number()
        .int()
        .min(1024 * 1024)
        .default(64 * 1024 * 1024),
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
    queue: { maxSends: read.MESSAGING_QUEUE_SENDS, maxBytes: read.MESSAGING_QUEUE_BYTES },
  }
}
